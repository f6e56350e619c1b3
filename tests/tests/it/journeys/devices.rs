//! Pushes of a session's device, from its registration to its end.

use carshare_testkit::{eventually, eventually_true};
use serde_json::{Value, json};

use crate::harness::{Rest, Setup, TIMEOUT};

const PHONE: &str = "sbx-logout-phone";

async fn register(rest: &Rest, token: &str) -> Value {
    let device = json!({ "token": token, "platform": "android" });
    rest.post("/v1/notifications/devices", &device).await.ok(201)
}

/// Tokens of the pushes about a booking.
fn pushed(setup: &Setup, booking_id: &str) -> Vec<String> {
    let pushes = setup.mesh.sandbox().pushes().into_iter();
    let about = pushes.filter(|push| push.data.get("booking_id").is_some_and(|id| id == booking_id));
    about.map(|push| push.token).collect()
}

/// Requests a car, and waits until its host is notified and no push is pending.
async fn request_and_notify(setup: &Setup, host: &Rest) -> String {
    let id = setup.requested().await;
    eventually(TIMEOUT, || async {
        let listed = host.read("/v1/notifications?unread_only=true").await;
        let listed = listed.as_array()?.iter();
        listed
            .into_iter()
            .find(|one| one["data"]["booking_id"] == id)
            .map(drop)
    })
    .await;
    let pending = "SELECT count(*) FROM notification.deliveries WHERE state = 'pending'";
    eventually_true(TIMEOUT, || async { setup.sql.count(pending).await == 0 }).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn device_gets_no_push_after_its_logout_or_its_removal() {
    let setup = Setup::start().await;
    let tablet = setup.host.sign_in().await;
    register(&setup.host.rest, PHONE).await;
    let device = register(&tablet, "sbx-logout-tablet").await;

    let id = request_and_notify(&setup, &tablet).await;
    let mut both = pushed(&setup, &id);
    both.sort();
    assert_eq!(both, [PHONE, "sbx-logout-tablet"]);

    setup.host.rest.post("/v1/auth/logout", &json!({})).await.ok(204);
    let phones = "SELECT count(*) FROM notification.devices WHERE token = 'sbx-logout-phone'";
    eventually_true(TIMEOUT, || async { setup.sql.count(phones).await == 0 }).await;
    let id = request_and_notify(&setup, &tablet).await;
    assert_eq!(pushed(&setup, &id), ["sbx-logout-tablet"]);

    let path = format!(
        "/v1/notifications/devices/{}",
        device["id"].as_str().expect("an id")
    );
    tablet.delete(&path).await.ok(204);
    tablet.delete(&path).await.expect_error(404, "NOTIFICATION003");
    let id = request_and_notify(&setup, &tablet).await;
    assert_eq!(pushed(&setup, &id), Vec::<String>::new());

    let unread = tablet.read("/v1/notifications/unread_count").await["unread_count"].clone();
    assert!(unread.as_i64().is_some_and(|count| count >= 3), "{unread}");
    let marked = tablet.put("/v1/notifications/read", &json!({})).await.ok(200);
    assert_eq!(marked["marked_count"], unread);
    assert_eq!(
        tablet.read("/v1/notifications/unread_count").await,
        json!({ "unread_count": 0 })
    );
}
