//! Timers: unanswered requests, unpaid bookings, no-shows and overdue rentals, on a manual clock.

use carshare_testkit::{eventually, eventually_true};
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::harness::{Guest, Host, Rest, Slot, TIMEOUT, id, invariants, mesh_with_manual_clock, next_slot};

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("a time").parse().expect("RFC 3339")
}

/// The user's notification of this kind, as soon as there is one.
async fn notification(rest: &Rest, kind: &str) -> Value {
    eventually(TIMEOUT, || async {
        let news = rest.get("/v1/notifications").await.ok(200);
        news.as_array()
            .expect("a list")
            .iter()
            .find(|news| news["type"] == kind)
            .cloned()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn request_expires_at_respond_by() {
    let (mesh, clock) = mesh_with_manual_clock().await;
    let (mut host, mut guest) = (Host::register(&mesh).await, Guest::with_card(&mesh).await);
    let (car, late) = (host.car().await, next_slot(mesh.now()));
    let soon = mesh.now().trunc_subsecs(0) + TimeDelta::hours(3);
    let soon = Slot {
        start: soon,
        end: soon + TimeDelta::hours(2),
    };
    let (first, second) = (
        guest.book(&car, soon).await.ok(201),
        guest.book(&car, late).await.ok(201),
    );
    let an_hour_before = soon.start - TimeDelta::hours(1);
    assert_eq!(time(&first["respond_by"]), an_hour_before);
    assert_eq!(time(&second["respond_by"]), mesh.now() + TimeDelta::hours(24));

    clock.set(soon.start);
    (host.rest, guest.rest) = (host.sign_in().await, guest.sign_in().await);
    let expired = guest
        .wait_for_booking(&id(&first), |booking| booking["status"] == "cancelled")
        .await;
    assert_eq!(
        (
            &expired["cancellation"]["reason"],
            &expired["cancellation"]["refund_amount"]
        ),
        (&json!("expired"), &json!(0))
    );
    assert_eq!(time(&expired["cancellation"]["cancelled_at"]), soon.start);
    host.approve(&id(&first)).await.expect_error(409, "BOOKING003");
    // The timer has run; the other request is not due.
    assert_eq!(guest.booking(&id(&second)).await["status"], "pending");
    assert!(!guest.finds(&car, late).await);

    clock.set(time(&second["respond_by"]));
    (host.rest, guest.rest) = (host.sign_in().await, guest.sign_in().await);
    guest
        .wait_for_booking(&id(&second), |booking| booking["status"] == "cancelled")
        .await;
    eventually_true(TIMEOUT, || guest.finds(&car, late)).await;
    for rest in [&host.rest, &guest.rest] {
        notification(rest, "booking.expired").await;
    }
    guest.book(&car, late).await.ok(201);
    assert_eq!(mesh.sandbox().payments().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn unpaid_booking_is_cancelled_at_payment_due_at() {
    let (mesh, clock) = mesh_with_manual_clock().await;
    let (mut host, mut guest) = (Host::register(&mesh).await, Guest::register(&mesh).await);
    let (car, slot) = (host.car().await, next_slot(mesh.now()));
    let booking = guest.request(&car, slot).await;
    let approved = host.approve(&booking).await.ok(200);
    let due = time(&approved["payment_due_at"]);
    assert_eq!(due, mesh.now() + TimeDelta::hours(2));
    notification(&guest.rest, "payment.requested").await;
    let paid = guest.checkout(&booking).await;

    clock.set(due);
    (host.rest, guest.rest) = (host.sign_in().await, guest.sign_in().await);
    let cancelled = guest
        .wait_for_booking(&booking, |booking| booking["status"] == "cancelled")
        .await;
    assert_eq!(
        (
            &cancelled["cancellation"]["reason"],
            &cancelled["cancellation"]["refund_amount"]
        ),
        (&json!("payment_overdue"), &json!(0))
    );
    eventually_true(TIMEOUT, || guest.finds(&car, slot)).await;
    for rest in [&host.rest, &guest.rest] {
        notification(rest, "booking.cancelled").await;
    }
    // A payment window that was opened in time captures nothing now.
    eventually_true(TIMEOUT, || async {
        guest.payment(&booking).await["status"] == "failed"
    })
    .await;
    guest
        .rest
        .post("/v1/payments/process", &paid)
        .await
        .expect_error(409, "PAYMENT004");
    assert!(
        mesh.sandbox()
            .payments()
            .iter()
            .all(|payment| payment.approved_at.is_none())
    );
    guest.book(&car, slot).await.ok(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn booking_that_is_not_started_is_cancelled_at_its_end_and_the_host_is_paid() {
    let (mesh, clock) = mesh_with_manual_clock().await;
    let (mut host, mut guest) = (Host::register(&mesh).await, Guest::with_card(&mesh).await);
    let (car, slot) = (host.car().await, next_slot(mesh.now()));
    let booking = guest.request(&car, slot).await;
    host.approve(&booking).await.ok(200);
    guest.confirmed(&booking).await;

    clock.set(slot.end);
    (host.rest, guest.rest) = (host.sign_in().await, guest.sign_in().await);
    // Refused whether or not the timer has run: TOO_LATE, or WRONG_STATE of a cancelled booking.
    for (rest, verb) in [
        (&guest.rest, "start"),
        (&host.rest, "start"),
        (&guest.rest, "cancel"),
    ] {
        let path = format!("/v1/bookings/{booking}/{verb}");
        let refused = rest.put(&path, &json!({})).await;
        assert_eq!(refused.status, 409, "{verb}: {}", refused.body);
        let code = refused.body["code"].as_str().expect("a code");
        assert!(["BOOKING003", "BOOKING007"].contains(&code), "{verb}: {code}");
    }
    let closed = guest
        .wait_for_booking(&booking, |booking| booking["status"] == "cancelled")
        .await;
    assert_eq!(
        (
            &closed["cancellation"]["reason"],
            &closed["cancellation"]["refund_amount"],
            &closed["payment_status"]
        ),
        (&json!("no_show"), &json!(0), &json!("paid"))
    );
    invariants::assert_hold(&mesh).await;
    assert_paid_out(&guest.payment(&booking).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn overdue_rental_is_completed_a_day_after_its_end_and_the_host_is_paid() {
    let (mesh, clock) = mesh_with_manual_clock().await;
    let (mut host, mut guest) = (Host::register(&mesh).await, Guest::with_card(&mesh).await);
    let (car, slot) = (host.car().await, next_slot(mesh.now()));
    let booking = guest.request(&car, slot).await;
    host.approve(&booking).await.ok(200);
    guest.confirmed(&booking).await;

    clock.set(slot.start);
    guest.rest = guest.sign_in().await;
    let start = format!("/v1/bookings/{booking}/start");
    guest.rest.put(&start, &json!({})).await.ok(200);
    clock.set(slot.end + TimeDelta::hours(24));
    (host.rest, guest.rest) = (host.sign_in().await, guest.sign_in().await);
    let completed = guest
        .wait_for_booking(&booking, |booking| booking["status"] == "completed")
        .await;
    assert_eq!(completed["payment_status"], "paid");
    invariants::assert_hold(&mesh).await;
    assert_paid_out(&guest.payment(&booking).await);
    for rest in [&host.rest, &guest.rest] {
        notification(rest, "booking.completed").await;
    }
}

/// Asserts that nothing of 80,000 won is refunded: 15 % are the platform's and the rest is the host's.
fn assert_paid_out(payment: &Value) {
    let amounts = ["amount", "refunded_amount", "platform_fee", "host_amount"].map(|name| &payment[name]);
    assert_eq!(
        amounts,
        [&json!(80_000), &json!(0), &json!(12_000), &json!(68_000)],
        "{payment}"
    );
    assert_eq!(payment["status"], "completed");
}
