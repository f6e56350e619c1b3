//! Concurrent confirmations of a payment.

use carshare_mesh::Mesh;
use carshare_sandbox::{PaymentStatus, Provider};
use futures::future::join_all;
use serde_json::json;

use crate::harness::{Guest, Host, mesh, next_slot};

/// A guest and their approved booking, whose payment is due.
async fn awaiting_payment(mesh: &Mesh) -> (Guest, String) {
    let (host, guest) = (Host::register(mesh).await, Guest::register(mesh).await);
    let id = guest.request(&host.car().await, next_slot(mesh.now())).await;
    host.approve(&id).await.ok(200);
    (guest, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_confirmations_capture_once_and_all_succeed() {
    let mesh = mesh().await;
    let (guest, id) = awaiting_payment(&mesh).await;
    let paid = guest.checkout(&id).await;
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
    assert_eq!(keys.len(), 1, "every confirmation has one idempotency key");
    let history = guest.rest.get("/v1/payments/history").await.ok(200);
    assert_eq!(history.as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_payment_windows_of_a_booking_capture_one() {
    let mesh = mesh().await;
    let (guest, id) = awaiting_payment(&mesh).await;
    let windows = [guest.checkout(&id).await, guest.checkout(&id).await];
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
        "no refund was needed"
    );
}
