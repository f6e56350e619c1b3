//! Booking journeys: request, approval or rejection, payment, cancellation, refund, with streams and pushes.

use carshare_mesh::Mesh;
use carshare_sandbox::PaymentStatus;
use carshare_testkit::{eventually, eventually_true};
use serde_json::json;

use crate::harness::{Events, Guest, Host, TIMEOUT, next_slot};

async fn device(rest: &crate::harness::Rest, token: &str) {
    rest.post(
        "/v1/notifications/devices",
        &json!({ "token": token, "platform": "android" }),
    )
    .await
    .ok(201);
}

/// The push to this device token about this event, as soon as the sandbox has it.
async fn push(mesh: &Mesh, token: &str, kind: &str) -> serde_json::Value {
    eventually(TIMEOUT, || async {
        let pushes = mesh.sandbox().pushes();
        let found = pushes
            .iter()
            .find(|push| push.message["token"] == token && push.message["data"]["type"] == kind);
        found.map(|push| push.message.clone())
    })
    .await
}

/// Asserts that the payment has the agreed amounts and Toss exactly one charge.
async fn charged_once(mesh: &Mesh, guest: &Guest, id: &str) {
    let payment = guest.payment(id).await;
    assert_eq!(
        (
            &payment["status"],
            &payment["amount"],
            &payment["platform_fee"],
            &payment["host_amount"]
        ),
        (
            &json!("completed"),
            &json!(80_000),
            &json!(12_000),
            &json!(68_000)
        )
    );
    let charged = mesh.sandbox().payments();
    assert_eq!(charged.len(), 1);
    assert_eq!(
        (charged[0].status, charged[0].total_amount),
        (PaymentStatus::Done, 80_000)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn booking_is_requested_approved_paid_cancelled_and_refunded() {
    let mesh = crate::harness::mesh().await;
    let (host, guest) = (Host::register(&mesh).await, Guest::with_card(&mesh).await);
    let car = host.car().await;
    device(&host.rest, "sbx-host-phone").await;
    device(&guest.rest, "sbx-guest-phone").await;
    let (mut host_stream, mut guest_stream) = (
        Events::open(&host.rest, None).await,
        Events::open(&guest.rest, None).await,
    );
    // The first heartbeat marks the open stream.
    assert_eq!(
        (host_stream.next().await.name, guest_stream.next().await.name),
        ("heartbeat".into(), "heartbeat".into())
    );

    let slot = next_slot(mesh.now());
    let booking = guest.book(&car, slot).await.ok(201);
    let id = booking["id"].as_str().expect("an id");
    assert_eq!(
        (&booking["status"], &booking["payment_status"]),
        (&json!("pending"), &json!("none"))
    );
    assert_eq!(
        (&booking["total_amount"], &booking["platform_fee"]),
        (&json!(80_000), &json!(12_000))
    );
    assert_eq!(booking["vehicle"]["id"], json!(car));
    assert!(
        !guest.finds(&car, slot).await,
        "a requested car is not offered for that time"
    );

    let (_, asked) = host_stream.notification("booking.requested").await;
    assert_eq!(
        (&asked["title"], &asked["data"]["booking_id"]),
        (&json!("새로운 예약 요청"), &json!(id))
    );
    assert_eq!(
        push(&mesh, "sbx-host-phone", "booking.requested").await["notification"]["title"],
        "새로운 예약 요청"
    );

    let approved = host.approve(id).await.ok(200);
    assert_eq!(
        (&approved["status"], &approved["payment_status"]),
        (&json!("approved"), &json!("pending"))
    );
    let confirmed = guest.confirmed(id).await;
    assert!(confirmed["confirmed_at"].is_string());
    let (_, notification) = guest_stream.notification("booking.confirmed").await;
    assert_eq!(notification["data"]["booking_id"], json!(id));
    push(&mesh, "sbx-guest-phone", "booking.confirmed").await;

    charged_once(&mesh, &guest, id).await;

    // More than 24 hours before the start the refund is full.
    let cancelled = guest.cancel(id).await.ok(200);
    assert_eq!(
        (&cancelled["status"], &cancelled["cancellation"]["reason"]),
        (&json!("cancelled"), &json!("guest"))
    );
    assert_eq!(cancelled["cancellation"]["refund_amount"], json!(80_000));
    guest
        .wait_for_booking(id, |booking| booking["payment_status"] == "refunded")
        .await;
    let refunded = mesh.sandbox().payments();
    assert_eq!(
        (refunded[0].status, refunded[0].balance_amount),
        (PaymentStatus::Canceled, 0)
    );
    host_stream.notification("booking.cancelled").await;
    eventually_true(TIMEOUT, || guest.finds(&car, slot)).await;
    guest.book(&car, slot).await.ok(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn declined_card_cancels_the_booking_and_notifies_both() {
    let mesh = crate::harness::mesh().await;
    let (host, guest) = (Host::register(&mesh).await, Guest::register(&mesh).await);
    let declining = carshare_sandbox::declining_card("REJECT_CARD_PAYMENT").expect("a card that declines");
    guest.add_card(declining).await.ok(201);
    let (car, slot) = (host.car().await, next_slot(mesh.now()));
    let booking = guest.book(&car, slot).await.ok(201);
    let id = booking["id"].as_str().expect("an id");
    host.approve(id).await.ok(200);

    let cancelled = guest
        .wait_for_booking(id, |booking| booking["status"] == "cancelled")
        .await;
    assert_eq!(cancelled["cancellation"]["reason"], "payment_failed");
    assert_eq!(cancelled["payment_status"], "failed");
    let payment = guest.payment(id).await;
    assert_eq!(
        (&payment["status"], &payment["failure_code"]),
        (&json!("failed"), &json!("REJECT_CARD_PAYMENT"))
    );
    eventually_true(TIMEOUT, || guest.finds(&car, slot)).await;
    for rest in [&guest.rest, &host.rest] {
        eventually_true(TIMEOUT, || async {
            let notifications = rest.get("/v1/notifications").await.ok(200);
            notifications
                .as_array()
                .expect("a bare array")
                .iter()
                .any(|n| n["type"] == "booking.cancelled")
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guest_without_card_pays_in_the_window() {
    let mesh = crate::harness::mesh().await;
    let (host, guest) = (Host::register(&mesh).await, Guest::register(&mesh).await);
    let (car, slot) = (host.car().await, next_slot(mesh.now()));
    let id = guest.request(&car, slot).await;
    let id = id.as_str();
    host.approve(id).await.ok(200);
    let paid = guest.checkout(id).await;
    let mut tampered = paid.clone();
    tampered["amount"] = json!(100);
    guest
        .rest
        .post("/v1/payments/process", &tampered)
        .await
        .expect_error(400, "PAYMENT003");
    let done = guest.rest.post("/v1/payments/process", &paid).await.ok(200);
    assert_eq!(done["status"], "completed");
    // A repeated request is the same payment.
    guest.rest.post("/v1/payments/process", &paid).await.ok(200);
    guest.confirmed(id).await;
    assert_eq!(mesh.sandbox().payments().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejection_frees_the_car_and_charges_nothing() {
    let mesh = crate::harness::mesh().await;
    let (host, guest) = (Host::register(&mesh).await, Guest::with_card(&mesh).await);
    let (car, slot) = (host.car().await, next_slot(mesh.now()));
    let id = guest.request(&car, slot).await;
    let id = id.as_str();
    let path = format!("/v1/bookings/{id}/reject");
    let rejected = host
        .rest
        .put(&path, &json!({ "host_response": "정비가 있습니다." }))
        .await
        .ok(200);
    assert_eq!(
        (&rejected["status"], &rejected["host_response"]),
        (&json!("rejected"), &json!("정비가 있습니다."))
    );
    host.approve(id).await.expect_error(409, "BOOKING003");
    eventually_true(TIMEOUT, || guest.finds(&car, slot)).await;
    assert_eq!(mesh.sandbox().payments().len(), 0);
}
