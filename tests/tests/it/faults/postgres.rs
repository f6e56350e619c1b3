//! PostgreSQL is killed: "not now" meanwhile, with the time to come back; then everything goes on where it was.

use carshare_testkit::eventually;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use super::setup::Scene;
use crate::harness::{Answer, Rest, TIMEOUT, next_slot};

#[tokio::test(flavor = "multi_thread")]
async fn the_mesh_says_not_now_while_postgres_is_away_and_goes_on_when_it_is_back() {
    let (scene, _folder) = Scene::on_own_servers().await;
    let id = scene.approved().await;
    let postgres = scene
        .mesh
        .dependencies()
        .postgres()
        .expect("a PostgreSQL of our own");
    postgres.kill().await.expect("it is killed");

    let search = "/v1/vehicles?lat=37.5663&lng=126.9778&radius=1\
                  &start_datetime=2030-01-01T00:00:00Z&end_datetime=2030-01-01T04:00:00Z";
    let mut request = next_slot(scene.mesh.now()).json();
    request["vehicle_id"] = json!(scene.car);
    let (guest, host) = (&scene.guest.rest, &scene.host.rest);
    let (nothing, empty) = (Value::Null, json!({}));
    let (booking, approval) = (format!("/v1/bookings/{id}"), format!("/v1/bookings/{id}/approve"));
    tokio::join!(
        not_now(guest, Method::GET, search, &nothing),
        not_now(guest, Method::GET, "/v1/notifications", &nothing),
        not_now(guest, Method::GET, "/v1/payments/history", &nothing),
        not_now(guest, Method::GET, &booking, &nothing),
        not_now(guest, Method::POST, "/v1/bookings", &request),
        not_now(host, Method::PUT, &approval, &empty),
        not_now(host, Method::GET, "/v1/auth/me", &nothing),
    );

    postgres.restart().await.expect("it starts");
    let found = eventually(TIMEOUT, || async {
        let answer = scene.guest.rest.get(search).await;
        (answer.status == 200).then_some(answer.body)
    })
    .await;
    assert_eq!(found[0]["id"], json!(scene.car));
    scene.guest.confirmed(&id).await;
    scene.guest.cancel(&id).await.ok(200);
    scene.refunded(&id).await;
    assert_eq!(scene.mesh.sandbox().payments().len(), 1);
    scene.ends_well().await;
}

async fn not_now(rest: &Rest, method: Method, path: &str, body: &Value) {
    let request = rest.request(method, path).header("accept-language", "en");
    let answer = Answer::of(request.json(body)).await;
    assert!(
        answer.headers.contains_key("retry-after"),
        "{path}: {}",
        answer.body
    );
    let problem = answer.refused(503, "COMMON005");
    assert_eq!(
        problem["detail"],
        "The service is unavailable for the moment. Please try again shortly."
    );
}

/// The worst moments to die at: the database goes while Toss has the money and nobody has written it down.
#[rstest]
#[case::charge("/v1/billing/bsbx")]
#[case::refund("/cancel")]
#[tokio::test(flavor = "multi_thread")]
async fn money_that_moved_while_postgres_died_is_found_again(#[case] path: &str) {
    use carshare_sandbox::{Fault, Provider};
    let (scene, _folder) = Scene::on_own_servers().await;
    let slow = Fault::delay(Provider::Toss, path, 700);
    let id = if path == "/cancel" {
        let id = scene.confirmed().await;
        scene.mesh.sandbox().inject(slow);
        scene.guest.cancel(&id).await.ok(200);
        id
    } else {
        scene.mesh.sandbox().inject(slow);
        scene.approved().await
    };
    let asked = || async {
        let asked = scene.mesh.sandbox().request_count(Provider::Toss, path) > 0;
        asked.then_some(())
    };
    eventually(TIMEOUT, asked).await;
    let postgres = scene
        .mesh
        .dependencies()
        .postgres()
        .expect("a PostgreSQL of our own");
    postgres.kill().await.expect("it is killed");
    let moved = || async {
        let payments = scene.mesh.sandbox().payments();
        let wanted = if path == "/cancel" { 0 } else { 80_000 };
        payments
            .iter()
            .any(|payment| payment.approved_at.is_some() && payment.balance_amount == wanted)
            .then_some(())
    };
    eventually(TIMEOUT, moved).await;
    postgres.restart().await.expect("it starts");

    let settled = if path == "/cancel" { "refunded" } else { "paid" };
    let path = format!("/v1/bookings/{id}");
    eventually(TIMEOUT, || async {
        let booking = scene
            .guest
            .rest
            .insist(Method::GET, &path, &Value::Null)
            .await
            .ok(200);
        (booking["payment_status"] == settled).then_some(())
    })
    .await;
    scene.ends_well().await;
    assert_eq!(scene.mesh.sandbox().payments().len(), 1);
}
