//! What happens because nobody does anything, with a clock that is moved by hand.

use carshare_testkit::{eventually, eventually_true};
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::harness::{Guest, Host, Rest, Slot, TIMEOUT, mesh_with_manual_clock, next_slot};

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("a time").parse().expect("RFC 3339")
}

fn id(booking: &Value) -> String {
    booking["id"].as_str().expect("an id").to_owned()
}

/// The news that somebody has of this kind.
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
async fn a_request_expires_when_its_time_to_answer_is_over_and_not_before() {
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
    assert_eq!(time(&first["respond_by"]), soon.start, "before the start");
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
    // The timer has run; the other request has its time still.
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
async fn an_approved_booking_that_nobody_pays_is_called_off_and_the_car_is_free() {
    let (mesh, clock) = mesh_with_manual_clock().await;
    let (mut host, mut guest) = (Host::register(&mesh).await, Guest::register(&mesh).await);
    let (car, slot) = (host.car().await, next_slot(mesh.now()));
    let booking = id(&guest.book(&car, slot).await.ok(201));
    let approved = host.approve(&booking).await.ok(200);
    let due = time(&approved["payment_due_at"]);
    assert_eq!(due, mesh.now() + TimeDelta::hours(2));
    notification(&guest.rest, "payment.requested").await;
    let path = format!("/v1/payments/bookings/{booking}");
    let owed = guest.rest.get(&path).await.ok(200);
    assert_eq!(owed["status"], "pending");
    let window = json!({ "orderId": owed["order_id"], "amount": owed["amount"], "orderName": "G80" });
    let window = Rest::at(mesh.sandbox().url())
        .post("/toss/sandbox/checkout", &window)
        .await
        .body;

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
    // Too late is too late: the window was open, nothing is taken.
    eventually_true(TIMEOUT, || async {
        guest.payment(&booking).await["status"] == "failed"
    })
    .await;
    let paid = json!({
        "booking_id": booking, "payment_key": window["paymentKey"], "order_id": owed["order_id"], "amount": owed["amount"],
    });
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
