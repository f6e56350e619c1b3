//! A completed rental is settled and paid: what an operator does, and what the host sees.

use std::time::Duration;

use carshare_chassis::ManualClock;
use carshare_mesh::Mesh;
use carshare_testkit::eventually;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{
    Guest, Host, Rest, Sql, TIMEOUT, invariants, mesh_with_manual_clock, next_slot, tokens,
};

/// How long payments are kept back after the end of the rental.
const HOLD: Duration = Duration::from_hours(72);

/// A rental of 80,000 won that its host has completed, after the hold.
async fn completed(mesh: &Mesh, clock: &ManualClock) -> (Host, Guest, String) {
    let (mut host, mut guest) = (Host::register(mesh).await, Guest::with_card(mesh).await);
    let (car, slot) = (host.car().await, next_slot(mesh.now()));
    let booking = guest.request(&car, slot).await;
    host.approve(&booking).await.ok(200);
    guest.confirmed(&booking).await;
    clock.set(slot.start);
    (host.rest, guest.rest) = (host.sign_in().await, guest.sign_in().await);
    let path = format!("/v1/bookings/{booking}");
    guest.rest.put(&format!("{path}/start"), &json!({})).await.ok(200);
    let complete = format!("{path}/complete");
    host.rest.put(&complete, &json!({})).await.ok(200);
    clock.set(slot.end + HOLD);
    (host.rest, guest.rest) = (host.sign_in().await, guest.sign_in().await);
    (host, guest, booking)
}

/// The bodies of the host's notifications of a kind, as soon as there is one.
async fn notified(rest: &Rest, kind: &str) -> Vec<Value> {
    eventually(TIMEOUT, || async {
        let all = rest.read(&format!("/v1/notifications?type={kind}")).await;
        let bodies = all.as_array().expect("a list").iter();
        let bodies: Vec<_> = bodies.map(|item| item["body"].clone()).collect();
        (!bodies.is_empty()).then_some(bodies)
    })
    .await
}

/// The settlements in the export of a user's data.
async fn exported(user: &Rest) -> Vec<Value> {
    let export = user.request(reqwest::Method::GET, "/v1/auth/me/export");
    let export = export
        .send()
        .await
        .expect("a response")
        .text()
        .await
        .expect("a body");
    let records = export
        .lines()
        .map(|line| serde_json::from_str(line).expect("a record"));
    records
        .filter(|record: &Value| record.get("settlement").is_some())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn completed_rental_is_settled_and_paid_to_its_host() {
    let (mesh, clock) = mesh_with_manual_clock().await;
    let (host, guest, booking) = completed(&mesh, &clock).await;
    let admin = tokens(&Sql::of(&mesh)).await;
    let admin = Rest::of(&mesh).signed_in(&admin.mint("admin", Uuid::from_u128(7), mesh.now()));
    // The job may have settled them before.
    admin.post("/v1/payments/settle", &json!({})).await.ok(200);
    let path = "/v1/payments/settlements";
    let listed = host.rest.read(path).await;
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    let created = &listed[0];
    let facts = ["host_id", "amount", "payment_count", "status"].map(|field| &created[field]);
    assert_eq!(
        facts,
        [&json!(host.id), &json!(68_000), &json!(1), &json!("created")]
    );
    let one = format!("{path}/{}", created["id"].as_str().expect("an id"));
    let details = host.rest.read(&one).await;
    let item = &details["items"][0];
    let facts = [
        "booking_id",
        "payment_amount",
        "platform_fee",
        "host_amount",
        "amount",
    ];
    assert_eq!(
        facts.map(|field| &item[field]),
        [
            &json!(booking),
            &json!(80_000),
            &json!(12_000),
            &json!(68_000),
            &json!(68_000)
        ]
    );
    let texts = notified(&host.rest, "settlement.created").await;
    assert_eq!(
        texts,
        ["결제 1건의 정산금 68,000원이 확정되었습니다. 곧 계좌로 이체됩니다."]
    );

    let complete = format!("{one}/complete");
    let transfer = json!({ "transfer_reference": "20300112-000381" });
    host.rest
        .put(&complete, &transfer)
        .await
        .expect_error(403, "AUTH003");
    let paid = admin.put(&complete, &transfer).await.ok(200);
    assert_eq!(paid["status"], "paid");
    assert_eq!(admin.put(&complete, &transfer).await.ok(200), paid);
    let other = json!({ "transfer_reference": "20300112-000382" });
    admin.put(&complete, &other).await.expect_error(409, "PAYMENT009");
    let texts = notified(&host.rest, "settlement.paid").await;
    assert_eq!(texts, ["정산금 68,000원이 계좌로 이체되었습니다."]);
    assert_eq!(
        host.rest.read(&format!("{path}?status=paid")).await,
        json!([paid])
    );
    assert_eq!(guest.payment(&booking).await["settled_at"], paid["paid_at"]);

    let stranger = Host::register(&mesh).await.rest;
    assert_eq!(stranger.read(path).await, json!([]));
    stranger.get(&one).await.expect_error(404, "PAYMENT008");
    guest.rest.get(path).await.expect_error(403, "AUTH003");
    assert_eq!(exported(&host.rest).await, [json!({ "settlement": paid })]);
    invariants::assert_hold(&mesh).await;
}
