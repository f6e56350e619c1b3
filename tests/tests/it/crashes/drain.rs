//! SIGTERM: running calls are answered, streams end with an event that says why, and the process exits with 0.

use std::time::Duration;

use carshare_mesh::{Fleet, Replica};
use carshare_sandbox::{Fault, Provider};
use carshare_testkit::eventually_true;
use serde_json::json;

use super::kill::{ALL_SERVICES, fleet};
use crate::harness::{BOOKINGS, Event, Events, Rest, Setup, TIMEOUT, start_fleet};

/// Longest wait for the end of a process.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

fn terminate(fleet: &mut Fleet, replica: Replica) {
    let process = fleet.process(replica).expect("it runs");
    process.terminate().expect("a signal");
}

/// Waits for the end of terminated processes, which exit with 0, and starts them again.
async fn restart(fleet: &mut Fleet, replicas: &[Replica]) {
    for replica in replicas {
        let process = fleet.process(*replica).expect("it ran");
        let status = process.wait(DRAIN_TIMEOUT).await.expect("an end");
        assert_eq!(status.code(), Some(0), "{replica}: {}", process.logs().tail());
        fleet.spawn(*replica).expect("a start");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn terminated_processes_exit_with_0_and_their_successors_continue() {
    let mut setup = fleet().await;
    let booking = setup.request_booking().await;
    for service in ALL_SERVICES {
        let replicas = setup.mesh.replicas_of(service);
        for replica in &replicas {
            terminate(&mut setup.mesh, *replica);
        }
        restart(&mut setup.mesh, &replicas).await;
    }
    setup.approve_booking(&booking).await;
    setup.complete_journey(booking).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn running_call_is_answered_before_the_process_ends() {
    let mut setup = fleet().await;
    for service in ["booking", "gateway"] {
        let booking = setup.request_booking().await;
        let replicas = setup.mesh.replicas_of(service);
        approve_while_draining(&mut setup, &replicas, &booking.id).await;
        restart(&mut setup.mesh, &replicas).await;
        setup.complete_journey(booking).await;
    }
}

/// Approves; while the approval waits for a locked table, every replica is terminated.
async fn approve_while_draining(setup: &mut Setup<Fleet>, replicas: &[Replica], booking: &str) {
    let lock = setup.sql.lock_table(BOOKINGS).await;
    let fleet = &mut setup.mesh;
    let draining = async {
        eventually_true(TIMEOUT, || async { !lock.waiters().await.is_empty() }).await;
        for replica in replicas {
            terminate(fleet, *replica);
            let draining = |line: &serde_json::Value| line["message"] == "signal received, draining";
            let process = fleet.process(*replica).expect("it runs");
            let logged = process.wait_for_log(TIMEOUT, draining).await;
            logged.expect("it drains");
        }
        lock.release().await;
    };
    // Sent once: the running call itself is answered.
    let path = format!("/v1/bookings/{booking}/approve");
    let nothing = json!({});
    let (response, ()) = tokio::join!(setup.host.rest.put(&path, &nothing), draining);
    assert_eq!(response.ok(200)["status"], "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn running_charge_is_recorded_before_the_process_ends() {
    let mut setup = fleet().await;
    let booking = setup.request_booking().await;
    let sandbox = setup.mesh.sandbox();
    sandbox.inject(Fault::delay(Provider::Toss, "/v1/billing/bsbx", 1_500));
    setup.host.approve(&booking.id).await.ok(200);
    let requested = || async { sandbox.request_count(Provider::Toss, "/v1/billing/bsbx") == 1 };
    eventually_true(TIMEOUT, requested).await;
    let replicas = setup.mesh.replicas_of("payment");
    for replica in &replicas {
        terminate(&mut setup.mesh, *replica);
    }
    for replica in &replicas {
        let process = setup.mesh.process(*replica).expect("it ran");
        process.wait(DRAIN_TIMEOUT).await.expect("an end");
    }

    let states = "SELECT state FROM payment.payments";
    assert_eq!(setup.sql.texts(states).await, ["completed"]);
    assert_eq!(setup.mesh.sandbox().payments().len(), 1);
    restart(&mut setup.mesh, &replicas).await;
    setup.complete_journey(booking).await;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Terminated,
    Killed,
}

/// One replica of each: the stream goes through processes that are known.
#[tokio::test(flavor = "multi_thread")]
async fn stream_ends_with_an_error_event_and_resumes_at_its_cursor() {
    let mut setup = Setup::of(start_fleet(super::kill::options(), 1).await).await;
    for (service, end) in [
        ("gateway", End::Terminated),
        ("notification", End::Terminated),
        ("notification", End::Killed),
    ] {
        let replica = Replica { service, number: 0 };
        let mut events = Events::open(&setup.host.rest, None).await;
        let opened = events.next().await;
        assert_eq!(opened.name, "heartbeat");

        match end {
            End::Terminated => terminate(&mut setup.mesh, replica),
            End::Killed => setup.mesh.kill(replica).expect("it runs"),
        }
        let rest = events.rest().await;
        let last = rest.last().expect("an error event");
        assert_eq!(
            (last.name.as_str(), &last.data["code"], &last.data["status"]),
            ("error", &json!("COMMON005"), &json!(503)),
            "{replica} {end:?}"
        );
        match end {
            End::Terminated => restart(&mut setup.mesh, &[replica]).await,
            End::Killed => setup.mesh.spawn(replica).expect("a start"),
        }

        let booking = setup.request_booking().await;
        let event = first_about(&booking.id, &setup.host.rest, &opened.id).await;
        assert_eq!(event.data["type"], "booking.requested");
        setup.approve_booking(&booking).await;
        setup.complete_journey(booking).await;
    }
}

/// The first notification about a booking on a stream that is opened after the cursor, as soon as the service responds.
/// Notifications of what happened before may still arrive ahead of it, but none up to the cursor comes again.
async fn first_about(booking: &str, rest: &Rest, cursor: &str) -> Event {
    rest.read("/v1/notifications").await;
    let number = |id: &str| id.parse::<u64>().expect("a number");
    let mut events = Events::open(rest, Some(cursor)).await;
    loop {
        let event = events.next().await;
        if event.name == "heartbeat" {
            continue;
        }
        assert!(number(&event.id) > number(cursor), "{event:?} after {cursor}");
        if event.data["data"]["booking_id"] == booking {
            return event;
        }
    }
}
