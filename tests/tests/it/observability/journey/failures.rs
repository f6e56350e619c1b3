//! Failing requests whose values could get into logs.

use carshare_chassis::Environment;
use carshare_mesh::Fleet;
use carshare_testkit::eventually_true;
use reqwest::Method;
use serde_json::{Value, json};

use super::Secret;
use crate::harness::{Guest, Host, PASSWORD as USUAL_PASSWORD, Response, Rest, Sql, TIMEOUT, next_slot};

const EMAIL: &str = "jiwoo.kim@mail.example.com";
const PASSWORD: &str = "opensesame 1024 x";
const WRONG_PASSWORD: &str = "opensesame 2048 y";
const PHONE: &str = "010-9876-5432";
const NAME: &str = "김지우지우";
const DECLINED: &str = "4330000000000101";
const UNREGISTRABLE: &str = "4330000000000401";
const DEAD_DEVICE: &str = "sbx-unregistered-device-token-77";

/// Sends the requests; the secrets that were in them.
pub async fn trigger(fleet: &Fleet, host: &Host, guest: &Guest, car: &str) -> Vec<Secret> {
    let rest = Rest::of(fleet);
    let mut secrets = accounts(&rest).await;
    requests(&rest, guest, car).await;
    cards(fleet, host, guest, car).await;
    webhook(fleet, host, guest, car).await;
    pushes(fleet, host, guest, car).await;
    secrets.extend([
        Secret::new("e-mail address", EMAIL),
        Secret::new("e-mail address", "jiwoo.kim"),
        Secret::new("e-mail address", "@example.com"),
        Secret::new("password", PASSWORD),
        Secret::new("password", WRONG_PASSWORD),
        Secret::new("password", USUAL_PASSWORD),
        Secret::new("phone number", PHONE),
        Secret::new("phone number", PHONE.replace('-', "")),
        Secret::new("phone number", "8210-9876-5432"),
        Secret::new("phone number", "821098765432"),
        Secret::new("phone number", "010-2345-6789"),
        Secret::new("phone number", "1023456789"),
        Secret::new("name", NAME),
        Secret::new("name", "박서준"),
        Secret::new("card number", DECLINED),
        Secret::new("card number", UNREGISTRABLE),
        Secret::new("FCM token", DEAD_DEVICE),
    ]);
    secrets
}

/// Duplicate and invalid registrations, failed logins, reuse of a refresh token, logout.
async fn accounts(rest: &Rest) -> Vec<Secret> {
    let account =
        json!({ "email": EMAIL, "password": PASSWORD, "name": NAME, "phone": PHONE, "role": "guest" });
    rest.post("/v1/auth/register", &account).await.ok(201);
    // Another account of the same address.
    rest.post("/v1/auth/register", &account).await.ok(201);
    let mut wrong = account.clone();
    (wrong["email"], wrong["phone"]) = (json!(EMAIL.replace('@', " at ")), json!(format!("{PHONE}-1")));
    rest.post("/v1/auth/register", &wrong)
        .await
        .expect_error(400, "COMMON001");
    let wrong = json!({ "email": EMAIL, "password": WRONG_PASSWORD });
    rest.post("/v1/auth/login", &wrong)
        .await
        .expect_error(401, "AUTH010");
    let broken = format!("{{\"email\": \"{EMAIL}\", \"password\": \"{PASSWORD}\" \"phone\": \"{PHONE}\"");
    let broken = rest
        .request(Method::POST, "/v1/auth/login")
        .header("content-type", "application/json")
        .body(broken);
    assert_eq!(Response::of(broken).await.status, 400);

    let signed_in = rest
        .post("/v1/auth/login", &json!({ "email": EMAIL, "password": PASSWORD }))
        .await
        .ok(200);
    let refresh = json!({ "refresh_token": signed_in["refresh_token"] });
    let refreshed = rest.post("/v1/auth/refresh", &refresh).await.ok(200);
    rest.post("/v1/auth/refresh", &refresh)
        .await
        .expect_error(401, "AUTH013");
    let again = rest
        .post("/v1/auth/login", &json!({ "email": EMAIL, "password": PASSWORD }))
        .await
        .ok(200);
    let person = rest.signed_in(again["access_token"].as_str().expect("a token"));
    assert!(
        person
            .post("/v1/auth/logout", &json!({}))
            .await
            .status
            .is_success()
    );
    person.get("/v1/auth/me").await.expect_error(401, "AUTH004");
    tokens([&signed_in, &refreshed, &again])
}

/// The refresh tokens of sessions and the signatures of their access tokens.
fn tokens(sessions: [&Value; 3]) -> Vec<Secret> {
    let mut secrets = Vec::new();
    for session in sessions {
        let access = session["access_token"].as_str().expect("a token");
        let (_, signature) = access.rsplit_once('.').expect("a JWT");
        secrets.push(Secret::new("access token", signature));
        secrets.push(Secret::new(
            "refresh token",
            session["refresh_token"].as_str().expect("a token"),
        ));
    }
    secrets
}

/// Secrets in queries, paths, ids and malformed bodies.
async fn requests(rest: &Rest, guest: &Guest, car: &str) {
    let token = guest.rest.token();
    rest.get(&format!("/v1/auth/me?access_token={token}&phone={PHONE}"))
        .await
        .expect_error(401, "AUTH001");
    rest.signed_in(&format!("{token}x"))
        .get("/v1/auth/me")
        .await
        .expect_error(401, "AUTH001");
    for nowhere in [
        format!("nowhere?email={EMAIL}"),
        format!("refresh/{token}"),
        format!("phones/{PHONE}"),
    ] {
        assert_eq!(rest.get(&format!("/v1/{nowhere}")).await.status, 404);
    }
    let paths = format!("/v1/bookings/{}", EMAIL.replace('@', "%40"));
    assert_eq!(guest.rest.get(&paths).await.status, 400);
    let nowhere = json!({ "vehicle_id": car, "start_datetime": EMAIL, "end_datetime": PASSWORD });
    guest
        .rest
        .post("/v1/bookings", &nowhere)
        .await
        .expect_error(400, "COMMON001");
    guest
        .rest
        .post("/v1/payments/methods", &json!({ "auth_key": DECLINED }))
        .await;
    let webhook =
        json!({ "eventType": "PAYMENT_STATUS_CHANGED", "data": { "paymentKey": DECLINED, "email": EMAIL } });
    rest.post("/v1/payments/webhook", &webhook).await;
}

/// A card that Toss does not register, and one whose charge is declined.
async fn cards(fleet: &Fleet, host: &Host, guest: &Guest, car: &str) {
    assert!(!guest.add_card(UNREGISTRABLE).await.status.is_success());
    let unlucky = Guest::register(fleet).await;
    unlucky.add_card(DECLINED).await.ok(201);
    let slot = next_slot(Environment::system().clock.now());
    let booking = unlucky.book(car, slot).await.ok(201);
    guest.book(car, slot).await.expect_error(409, "BOOKING002");
    let id = booking["id"].as_str().expect("an id");
    assert_eq!(guest.rest.get(&format!("/v1/bookings/{id}")).await.status, 404);
    host.approve(id).await.ok(200);
    unlucky
        .wait_for_booking(id, |booking| booking["status"] == "cancelled")
        .await;
}

/// A webhook about a payment, sent by the test.
async fn webhook(fleet: &Fleet, host: &Host, guest: &Guest, car: &str) {
    let id = guest
        .request(car, next_slot(Environment::system().clock.now()))
        .await;
    let id = id.as_str();
    host.approve(id).await.ok(200);
    guest.confirmed(id).await;
    let payment = fleet.sandbox().payments().pop().expect("a payment");
    let webhook =
        json!({ "eventType": "PAYMENT_STATUS_CHANGED", "createdAt": "2026-11-22T21:00:00", "data": payment });
    Rest::of(fleet)
        .post("/v1/payments/webhook", &webhook)
        .await
        .ok(200);
}

/// A push to a device token that FCM has unregistered.
async fn pushes(fleet: &Fleet, host: &Host, guest: &Guest, car: &str) {
    let device = json!({ "token": DEAD_DEVICE, "platform": "ios" });
    guest
        .rest
        .post("/v1/notifications/devices", &device)
        .await
        .ok(201);
    let slot = next_slot(Environment::system().clock.now());
    let booking = guest.book(car, slot).await.ok(201);
    let path = format!("/v1/bookings/{}/reject", booking["id"].as_str().expect("an id"));
    host.rest.put(&path, &json!({})).await.ok(200);
    let sql = Sql::of(fleet);
    let gone =
        "SELECT count(*) FROM notification.deliveries WHERE state = 'dropped' AND outcome = 'UNREGISTERED'";
    eventually_true(TIMEOUT, || async { sql.count(gone).await == 1 }).await;
}
