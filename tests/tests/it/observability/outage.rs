//! PostgreSQL is killed and restarted: readiness follows, callers get `Retry-After`, no process is restarted.

use std::time::Duration;

use carshare_mesh::Fleet;
use carshare_testkit::eventually;
use serde_json::{Value, json};

use super::capture::{Admins, CAPTURE, PROCESSES, SERVICES};
use super::journey::Journey;
use super::probes::{self, Probed, readiness};
use crate::harness::{Response, TIMEOUT};

pub struct Outage {
    during: Probed,
    after: Probed,
    /// The error of a read without the database.
    refusal: Refusal,
}

struct Refusal {
    status: u16,
    code: Value,
    retry_after: Option<u64>,
}

pub async fn restart_postgres(fleet: &Fleet, admins: &Admins, journey: &Journey) -> Outage {
    let postgres = fleet.dependencies().postgres().expect("its own PostgreSQL");
    postgres.kill().await.expect("a kill");
    let during = probed_when(admins, 503).await;
    let refusal = refusal(
        journey
            .guest
            .get(&format!("/v1/bookings/{}", journey.booking_id))
            .await,
    );
    postgres.restart().await.expect("a start");
    let after = probed_when(admins, 200).await;
    // The read succeeds again.
    eventually(TIMEOUT, || async {
        let response = journey
            .guest
            .get(&format!("/v1/bookings/{}", journey.booking_id))
            .await;
        (response.status == 200).then_some(())
    })
    .await;
    Outage {
        during,
        after,
        refusal,
    }
}

/// The probes as soon as every service's `/readyz` has this status.
async fn probed_when(admins: &Admins, status: u16) -> Probed {
    eventually(TIMEOUT, || async {
        let probed = probes::ask(admins).await;
        SERVICES
            .iter()
            .all(|name| probed[name][1].0 == status)
            .then_some(probed)
    })
    .await
}

fn refusal(response: Response) -> Refusal {
    let retry_after = response
        .headers
        .get("retry-after")
        .and_then(|after| after.to_str().ok()?.parse().ok());
    Refusal {
        status: response.status.as_u16(),
        code: response.body["code"].clone(),
        retry_after,
    }
}

#[test]
fn services_are_unready_without_postgresql_and_ready_after_its_restart() {
    for (probed, status, word) in [
        (&CAPTURE.outage.during, 503, "failing"),
        (&CAPTURE.outage.after, 200, "ok"),
    ] {
        for name in SERVICES {
            assert_eq!(
                probed[name],
                [(200, json!("ok")), (status, readiness(word))],
                "{name}"
            );
        }
    }
}

#[test]
fn gateway_stays_ready_and_sends_retry_after() {
    assert_eq!(CAPTURE.outage.during["gateway"], CAPTURE.probed["gateway"]);
    let refusal = &CAPTURE.outage.refusal;
    assert_eq!((refusal.status, &refusal.code), (503, &json!("COMMON005")));
    assert!(
        refusal
            .retry_after
            .is_some_and(|seconds| (1..=30).contains(&seconds)),
        "{:?}",
        refusal.retry_after
    );
}

#[test]
fn terminated_process_exits_with_0_within_its_drain_timeout() {
    // server.drain_timeout_ms
    let longest = Duration::from_secs(20);
    for name in PROCESSES {
        let end = &CAPTURE.ends[name];
        assert_eq!(end.code, Some(0), "{name}: {}", CAPTURE.logs[name].tail());
        assert!(end.after < longest, "{name}: {end:?}");
        let lines = CAPTURE.logs[name].json();
        let last = lines
            .iter()
            .rfind(|line| line["level"] == "INFO")
            .expect("a line");
        assert_eq!(last["message"], "drained", "{name}");
        assert!(
            !CAPTURE.logs[name].contain("could not be sent"),
            "{name} lost traces"
        );
    }
}
