//! The payment window, clicked twice.

use carshare_mesh::Mesh;
use carshare_sandbox::{PaymentStatus, Provider};
use carshare_testkit::eventually;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Guest, Host, Rest, TIMEOUT, mesh, next_slot};

/// An approved booking that waits for its guest to pay; and what is owed.
async fn owed(mesh: &Mesh) -> (Guest, String, Value) {
    let (host, guest) = (Host::register(mesh).await, Guest::register(mesh).await);
    let (car, slot) = (host.car().await, next_slot(mesh.now()));
    let booking = guest.book(&car, slot).await.ok(201);
    let id = booking["id"].as_str().expect("an id").to_owned();
    host.approve(&id).await.ok(200);
    let path = format!("/v1/payments/bookings/{id}");
    let payment = eventually(TIMEOUT, || async {
        let answer = guest.rest.get(&path).await;
        (answer.status == 200).then_some(answer.body)
    })
    .await;
    (guest, id, payment)
}

/// What a finished payment window gives the app to send.
async fn window(mesh: &Mesh, booking_id: &str, payment: &Value) -> Value {
    let (order, amount) = (&payment["order_id"], &payment["amount"]);
    let order_of = json!({ "orderId": order, "amount": amount, "orderName": "G80" });
    let window = Rest::at(mesh.sandbox().url())
        .post("/toss/sandbox/checkout", &order_of)
        .await;
    json!({ "booking_id": booking_id, "payment_key": window.body["paymentKey"], "order_id": order, "amount": amount })
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_clicks_capture_once_and_all_hear_of_it() {
    let mesh = mesh().await;
    let (guest, id, payment) = owed(&mesh).await;
    let paid = window(&mesh, &id, &payment).await;
    let clicks = join_all((0..10).map(|_| guest.rest.post("/v1/payments/process", &paid))).await;
    for click in clicks {
        let payment = click.ok(200);
        assert_eq!(
            (&payment["status"], &payment["amount"]),
            (&json!("completed"), &json!(80_000))
        );
    }
    guest.confirmed(&id).await;
    let captured: Vec<_> = mesh
        .sandbox()
        .payments()
        .iter()
        .map(|p| (p.status, p.balance_amount))
        .collect();
    assert_eq!(captured, [(PaymentStatus::Done, 80_000)]);
    let confirms = mesh
        .sandbox()
        .requests()
        .into_iter()
        .filter(|r| r.path == "/v1/payments/confirm");
    let keys: std::collections::BTreeSet<_> = confirms.map(|request| request.idempotency_key).collect();
    assert_eq!(keys.len(), 1, "however often it was asked, it was one capture");
    let history = guest.rest.get("/v1/payments/history").await.ok(200);
    assert_eq!(history.as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_windows_for_one_booking_one_is_captured() {
    let mesh = mesh().await;
    let (guest, id, payment) = owed(&mesh).await;
    let windows = [
        window(&mesh, &id, &payment).await,
        window(&mesh, &id, &payment).await,
    ];
    assert_ne!(windows[0]["payment_key"], windows[1]["payment_key"]);
    let clicks =
        join_all((0..10).map(|nth| guest.rest.post("/v1/payments/process", &windows[nth % 2]))).await;
    assert!(clicks.iter().any(|click| click.status == 200));
    for click in clicks.into_iter().filter(|click| click.status != 200) {
        let code = click.body["code"].as_str().expect("a code").to_owned();
        let status = if code == "PAYMENT004" { 409 } else { 503 };
        assert!(
            ["PAYMENT004", "PAYMENT006"].contains(&code.as_str()),
            "{}",
            click.body
        );
        click.expect_error(status, &code);
    }
    guest.confirmed(&id).await;
    let done = mesh
        .sandbox()
        .payments()
        .into_iter()
        .filter(|payment| payment.status == PaymentStatus::Done);
    assert_eq!(
        done.map(|payment| payment.balance_amount).collect::<Vec<_>>(),
        [80_000]
    );
    assert_eq!(
        mesh.sandbox().request_count(Provider::Toss, "/cancel"),
        0,
        "nothing had to be given back"
    );
}
