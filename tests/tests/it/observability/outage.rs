//! PostgreSQL is killed and comes back: readiness says so, callers are told to come back, and nobody has to be restarted.

use std::time::Duration;

use carshare_mesh::Fleet;
use carshare_testkit::eventually;
use serde_json::{Value, json};

use super::capture::{Admins, CAPTURE, PROCESSES, SERVICES};
use super::journey::Journey;
use super::probes::{self, Probed, readiness};
use crate::harness::{Response, TIMEOUT};

/// What was seen of it.
pub struct Outage {
    during: Probed,
    after: Probed,
    /// A read while the database is away.
    refusal: Refusal,
}

struct Refusal {
    status: u16,
    code: Value,
    retry_after: Option<u64>,
}

pub async fn restart_postgres(fleet: &Fleet, admins: &Admins, journey: &Journey) -> Outage {
    let postgres = fleet.dependencies().postgres().expect("a server of our own");
    postgres.kill().await.expect("it dies");
    let during = probed_when(admins, 503).await;
    let refusal = refusal(
        journey
            .guest
            .get(&format!("/v1/bookings/{}", journey.booking_id))
            .await,
    );
    postgres.restart().await.expect("it comes back");
    let after = probed_when(admins, 200).await;
    // What was a refusal is an answer again, without any restart.
    eventually(TIMEOUT, || async {
        let answer = journey
            .guest
            .get(&format!("/v1/bookings/{}", journey.booking_id))
            .await;
        (answer.status == 200).then_some(())
    })
    .await;
    Outage {
        during,
        after,
        refusal,
    }
}

/// What the probes answer as soon as all services are ready, or none is.
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

fn refusal(answer: Response) -> Refusal {
    let retry_after = answer
        .headers
        .get("retry-after")
        .and_then(|after| after.to_str().ok()?.parse().ok());
    Refusal {
        status: answer.status.as_u16(),
        code: answer.body["code"].clone(),
        retry_after,
    }
}

#[test]
fn services_are_not_ready_while_postgresql_is_away_and_ready_when_it_is_back() {
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
fn the_gateway_stays_in_service_and_tells_callers_to_come_back() {
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
fn a_process_that_is_told_to_stop_ends_with_0_within_its_drain_time() {
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
