//! SIGTERM: what runs is finished, streams are sent elsewhere, nothing is lost, and the process ends by itself with 0.

use std::time::Duration;

use carshare_sandbox::{Fault, Provider};
use carshare_testkit::eventually_true;
use reqwest::Method;
use serde_json::json;

use super::setup::{EVERYBODY, Setup};
use crate::harness::{BOOKINGS, Event, Events, Rest, TIMEOUT, Table};

/// Ends the process politely; it says goodbye with 0.
async fn ends_well(stage: &mut Setup, name: &'static str, within: Duration) {
    let process = stage.fleet.process(name).expect("it runs");
    let status = process.wait(within).await.expect("it ends");
    assert_eq!(status.code(), Some(0), "{name}: {}", process.logs().tail());
}

fn terminate(stage: &mut Setup, name: &'static str) {
    let process = stage.fleet.process(name).expect("it runs");
    process.terminate().expect("it is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_told_to_stop_ends_well_and_the_next_one_goes_on() {
    let mut stage = Setup::set().await;
    let booking = stage.request().await;
    for name in EVERYBODY {
        terminate(&mut stage, name);
        ends_well(&mut stage, name, TIMEOUT).await;
        stage.fleet.spawn(name).expect("it starts");
    }
    stage.approval(&booking).await;
    stage.finish(booking).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_runs_is_answered_before_the_process_ends() {
    let mut stage = Setup::set().await;
    for name in ["booking", "gateway"] {
        let booking = stage.request().await;
        approved_while_stopping(&mut stage, name, &booking.id, BOOKINGS).await;
        ends_well(&mut stage, name, TIMEOUT).await;
        stage.fleet.spawn(name).expect("it starts");
        stage.finish(booking).await;
    }
}

/// The approval waits at the door of a table while `name` is told to stop.
async fn approved_while_stopping(stage: &mut Setup, name: &'static str, booking: &str, door: Table) {
    let frozen = stage.sql.freeze(door).await;
    let process = stage.fleet.process(name).expect("it runs");
    let stopping = async {
        eventually_true(TIMEOUT, || async { frozen.waiting().await > 0 }).await;
        process.terminate().expect("it is told");
        let draining = |line: &serde_json::Value| line["message"] == "signal received, draining";
        process
            .wait_for_log(TIMEOUT, draining)
            .await
            .expect("it drains, and the call still runs");
        frozen.thaw().await;
    };
    // Asked once: it is the call that was running which is answered.
    let (answer, ()) = tokio::join!(stage.host.approve(booking), stopping);
    assert_eq!(answer.ok(200)["status"], "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_that_runs_is_written_down_before_the_process_ends() {
    let mut stage = Setup::set().await;
    let booking = stage.request().await;
    let sandbox = stage.fleet.sandbox();
    sandbox.inject(Fault::delay(Provider::Toss, "/v1/billing/bsbx", 1_500));
    stage.host.approve(&booking.id).await.ok(200);
    let asked = || async { sandbox.request_count(Provider::Toss, "/v1/billing/bsbx") == 1 };
    eventually_true(TIMEOUT, asked).await;
    terminate(&mut stage, "payment");
    ends_well(&mut stage, "payment", TIMEOUT).await;

    let written = "SELECT state FROM payment.payments";
    assert_eq!(stage.sql.texts(written).await, ["completed"]);
    assert_eq!(stage.fleet.sandbox().payments().len(), 1);
    stage.fleet.spawn("payment").expect("it starts");
    stage.finish(booking).await;
}

/// How a process goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Told,
    Killed,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_event_and_goes_on_at_its_cursor() {
    let mut stage = Setup::set().await;
    for (name, end) in [
        ("gateway", End::Told),
        ("notification", End::Told),
        ("notification", End::Killed),
    ] {
        let mut events = Events::open(&stage.host.rest, None).await;
        let opened = events.next().await;
        assert_eq!(opened.name, "heartbeat");

        match end {
            End::Told => terminate(&mut stage, name),
            End::Killed => stage.fleet.kill(name).expect("it runs"),
        }
        let rest = events.rest().await;
        let last = rest.last().expect("an event that says why");
        assert_eq!(
            (last.name.as_str(), &last.data["code"], &last.data["status"]),
            ("error", &json!("COMMON005"), &json!(503)),
            "{name} {end:?}"
        );
        if end == End::Told {
            ends_well(&mut stage, name, TIMEOUT).await;
        }
        stage.fleet.spawn(name).expect("it starts");

        let booking = stage.request().await;
        let told = first_after(&stage.host.rest, &opened.id).await;
        assert_eq!(
            (&told.data["type"], &told.data["data"]["booking_id"]),
            (&json!("booking.requested"), &json!(booking.id))
        );
        stage.approval(&booking).await;
        stage.finish(booking).await;
    }
}

/// The first notification behind the cursor, on a stream that is opened as soon as somebody serves it.
async fn first_after(rest: &Rest, cursor: &str) -> Event {
    rest.insist(Method::GET, "/v1/notifications", &json!(null))
        .await
        .ok(200);
    let mut events = Events::open(rest, Some(cursor)).await;
    loop {
        let event = events.next().await;
        if event.name != "heartbeat" {
            return event;
        }
    }
}
