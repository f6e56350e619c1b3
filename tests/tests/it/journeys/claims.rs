//! A late return and a claim for damage over REST, and what the guest is charged for them.

use carshare_chassis::ManualClock;
use carshare_mesh::Mesh;
use carshare_testkit::eventually_true;

use chrono::TimeDelta;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::harness::{
    Guest, Host, Response, Rest, TIMEOUT, id, invariants, mesh_with_manual_clock, next_slot, photo,
};

/// A completed rental of 80,000 won, at 20,000 won an hour, which came back two hours late, and the host's photo of its return.
struct Rental {
    host: Rest,
    guest: Rest,
    id: String,
    photo: String,
}

impl Rental {
    async fn returned_late(mesh: &Mesh, clock: &ManualClock) -> Self {
        let (host, guest) = (Host::register(mesh).await, Guest::with_card(mesh).await);
        let (car, slot) = (host.car().await, next_slot(mesh.now()));
        let id = guest.request(&car, slot).await;
        host.approve(&id).await.ok(200);
        guest.confirmed(&id).await;
        clock.set(slot.start);
        let path = format!("/v1/bookings/{id}");
        let driver = guest.sign_in().await;
        driver.put(&format!("{path}/start"), &json!({})).await.ok(200);
        clock.set(slot.end + TimeDelta::hours(2));
        let (host, guest) = (host.sign_in().await, guest.sign_in().await);
        let photo = photograph(&host, &path).await;
        host.put(&format!("{path}/complete"), &json!({})).await.ok(200);
        Self {
            host,
            guest,
            id,
            photo,
        }
    }

    fn claims(&self) -> String {
        format!("/v1/bookings/{}/claims", self.id)
    }

    async fn file(&self, side: &Rest, amount: i64, evidence: &[&str]) -> Response {
        let claim = json!({
            "kind": "damage", "amount": amount, "description": "왼쪽 뒷문이 긁혔습니다.", "evidence_sha256s": evidence,
        });
        side.post(&self.claims(), &claim).await
    }

    async fn answer(&self, side: &Rest, claim: &Value, verb: &str, body: &Value) -> Response {
        let path = format!("{}/{}/{verb}", self.claims(), id(claim));
        side.put(&path, body).await
    }

    async fn statuses(&self) -> Vec<String> {
        let claims = self.guest.read(&self.claims()).await;
        let claims = claims.as_array().expect("a list").iter();
        claims
            .map(|claim| claim["status"].as_str().expect("a status").to_owned())
            .collect()
    }

    /// Won captured, and the platform's part of them, oldest first.
    async fn charges(&self) -> Vec<(i64, i64)> {
        let path = format!("/v1/payments/history?booking_id={}&order_by=created_asc", self.id);
        let payments = self.host.read(&path).await;
        let won = |payment: &Value, field: &str| payment[field].as_i64().expect("won");
        let payments = payments.as_array().expect("a list").iter();
        payments
            .map(|payment| (won(payment, "amount"), won(payment, "platform_fee")))
            .collect()
    }
}

/// Uploads a photo of the return and returns the hash of its entry.
async fn photograph(host: &Rest, booking: &str) -> String {
    let file = Part::bytes(photo()).file_name("damage.png").mime_str("image/png");
    let form = Form::new()
        .text("phase", "return")
        .text("angle", "detail")
        .part("file", file.expect("a content type"));
    let request = host.request(Method::POST, &format!("{booking}/photos"));
    Response::of(request.multipart(form)).await.ok(201);
    let handover = host.read(&format!("{booking}/handover")).await;
    handover["entries"][0]["sha256"]
        .as_str()
        .expect("a hash")
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn late_return_and_damage_are_charged_and_an_objection_is_not() {
    let (mesh, clock) = mesh_with_manual_clock().await;
    let rental = Rental::returned_late(&mesh, &clock).await;
    let (host, guest) = (&rental.host, &rental.guest);
    let fee = guest.read(&rental.claims()).await[0].clone();
    let shown = ["kind", "status", "claimed_amount"].map(|field| &fee[field]);
    assert_eq!(shown, [&json!("late_return"), &json!("open"), &json!(60_000)]);
    let accepted = rental.answer(guest, &fee, "accept", &json!({})).await.ok(200);
    assert_eq!(accepted["status"], "awaiting_payment");

    let damage = rental.file(host, 150_000, &[&rental.photo]).await.ok(201);
    rental.answer(guest, &damage, "accept", &json!({})).await.ok(200);
    eventually_true(TIMEOUT, || async { rental.statuses().await == ["paid", "paid"] }).await;
    let charges = [(80_000, 12_000), (60_000, 9_000), (150_000, 0)];
    assert_eq!(rental.charges().await, charges);

    let disputed = rental.file(host, 70_000, &[&rental.photo]).await.ok(201);
    let objection = json!({ "objection": "인수할 때부터 있던 흠집입니다." });
    let objected = rental
        .answer(guest, &disputed, "object", &objection)
        .await
        .ok(200);
    assert_eq!(
        (&objected["status"], &objected["objection"]),
        (&json!("objected"), &objection["objection"])
    );
    invariants::wait_until_quiescent(&mesh).await;
    assert_eq!(rental.charges().await, charges);
    invariants::assert_hold(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_without_evidence_or_of_others_are_refused() {
    let (mesh, clock) = mesh_with_manual_clock().await;
    let rental = Rental::returned_late(&mesh, &clock).await;
    let (host, guest) = (&rental.host, &rental.guest);
    let unknown = "0".repeat(64);
    rental
        .file(host, 1, &[&unknown])
        .await
        .expect_error(400, "BOOKING063");
    rental.file(host, 1, &[]).await.expect_error(400, "COMMON001");
    rental
        .file(host, 10_000_001, &[&rental.photo])
        .await
        .expect_error(400, "BOOKING064");
    rental
        .file(guest, 1, &[&rental.photo])
        .await
        .expect_error(403, "AUTH003");
    let stranger = Host::register(&mesh).await.rest;
    rental
        .file(&stranger, 1, &[&rental.photo])
        .await
        .expect_error(404, "BOOKING001");
    let fee = guest.read(&rental.claims()).await[0].clone();
    let waived = rental.answer(host, &fee, "withdraw", &json!({})).await.ok(200);
    assert_eq!(waived["status"], "withdrawn");
    let late = rental.answer(guest, &fee, "accept", &json!({})).await;
    let problem = late.expect_error(409, "BOOKING061");
    assert_eq!(problem["detail"], "이미 처리된 청구입니다. (withdrawn)");
    host.read(&rental.claims()).await;
    stranger
        .get(&rental.claims())
        .await
        .expect_error(404, "BOOKING001");
    assert_eq!(rental.charges().await, [(80_000, 12_000)]);
    invariants::assert_hold(&mesh).await;
}
