//! PostgreSQL is killed: calls are 503 with `Retry-After`, and continue after its restart.

use carshare_mesh::Options;
use carshare_testkit::eventually;
use chrono::TimeDelta;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Response, Rest, Setup, TIMEOUT, next_slot};

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_503_without_postgres_and_continue_after_its_restart() {
    let (setup, _folder) = Setup::on_own_servers(Options::temporary()).await;
    let id = setup.approved().await;
    let postgres = setup.mesh.dependencies().postgres().expect("its own PostgreSQL");
    postgres.kill().await.expect("a kill");

    let day = (setup.mesh.now() + TimeDelta::days(7)).format("%Y-%m-%d");
    let search = &format!(
        "/v1/vehicles?lat=37.5663&lng=126.9778&radius=1\
                  &start_datetime={day}T00:00:00Z&end_datetime={day}T04:00:00Z"
    );
    let mut request = next_slot(setup.mesh.now()).json();
    request["vehicle_id"] = json!(setup.car);
    let (guest, host) = (&setup.guest.rest, &setup.host.rest);
    let (nothing, empty) = (Value::Null, json!({}));
    let (booking, approval) = (format!("/v1/bookings/{id}"), format!("/v1/bookings/{id}/approve"));
    tokio::join!(
        unavailable(guest, Method::GET, search, &nothing),
        unavailable(guest, Method::GET, "/v1/notifications", &nothing),
        unavailable(guest, Method::GET, "/v1/payments/history", &nothing),
        unavailable(guest, Method::GET, &booking, &nothing),
        unavailable(guest, Method::POST, "/v1/bookings", &request),
        unavailable(host, Method::PUT, &approval, &empty),
        unavailable(host, Method::GET, "/v1/auth/me", &nothing),
    );

    postgres.restart().await.expect("a start");
    let found = eventually(TIMEOUT, || async {
        let response = setup.guest.rest.get(search).await;
        (response.status == 200).then_some(response.body)
    })
    .await;
    assert_eq!(found[0]["id"], json!(setup.car));
    setup.guest.confirmed(&id).await;
    setup.guest.cancel(&id).await.ok(200);
    setup.refunded(&id).await;
    assert_eq!(setup.mesh.sandbox().payments().len(), 1);
    setup.assert_consistent().await;
}

async fn unavailable(rest: &Rest, method: Method, path: &str, body: &Value) {
    let request = rest.request(method, path).header("accept-language", "en");
    let response = Response::of(request.json(body)).await;
    assert!(
        response.headers.contains_key("retry-after"),
        "{path}: {}",
        response.body
    );
    let problem = response.expect_error(503, "COMMON005");
    assert_eq!(
        problem["detail"],
        "The service is unavailable for the moment. Please try again shortly."
    );
}

/// PostgreSQL is killed after Toss has moved the money and before the result is stored.
#[rstest]
#[case::charge("/v1/billing/bsbx")]
#[case::refund("/cancel")]
#[tokio::test(flavor = "multi_thread")]
async fn money_moved_during_an_outage_of_postgres_is_found(#[case] path: &str) {
    use carshare_sandbox::{Fault, Provider};
    let (setup, _folder) = Setup::on_own_servers(Options::temporary()).await;
    let slow = Fault::delay(Provider::Toss, path, 700);
    let id = if path == "/cancel" {
        let id = setup.confirmed().await;
        setup.mesh.sandbox().inject(slow);
        setup.guest.cancel(&id).await.ok(200);
        id
    } else {
        setup.mesh.sandbox().inject(slow);
        setup.approved().await
    };
    let asked = || async {
        let asked = setup.mesh.sandbox().request_count(Provider::Toss, path) > 0;
        asked.then_some(())
    };
    eventually(TIMEOUT, asked).await;
    let postgres = setup.mesh.dependencies().postgres().expect("its own PostgreSQL");
    postgres.kill().await.expect("a kill");
    let moved = || async {
        let payments = setup.mesh.sandbox().payments();
        let wanted = if path == "/cancel" { 0 } else { 80_000 };
        payments
            .iter()
            .any(|payment| payment.approved_at.is_some() && payment.balance_amount == wanted)
            .then_some(())
    };
    eventually(TIMEOUT, moved).await;
    postgres.restart().await.expect("a start");

    let settled = if path == "/cancel" { "refunded" } else { "paid" };
    let path = format!("/v1/bookings/{id}");
    eventually(TIMEOUT, || async {
        let booking = setup
            .guest
            .rest
            .send_until_answered(Method::GET, &path, &Value::Null)
            .await
            .ok(200);
        (booking["payment_status"] == settled).then_some(())
    })
    .await;
    setup.assert_consistent().await;
    assert_eq!(setup.mesh.sandbox().payments().len(), 1);
}
