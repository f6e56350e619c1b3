//! Registration, of people and of cars, with a crash in each of its calls: whoever insists has registered once.

use carshare_testkit::eventually_true;
use serde_json::{Value, json};

use super::setup::{Call, EVERYBODY, Setup};
use crate::harness::{IMAGES, PASSWORD, Rest, TIMEOUT, USERS, VEHICLES, invariants, next_slot, photo, put};

const VICTIMS: [&[&str]; 4] = [&["auth", "vehicle"], &["gateway"], &["notification"], &EVERYBODY];

#[tokio::test(flavor = "multi_thread")]
async fn a_host_and_a_car_are_registered_once_whoever_dies_meanwhile() {
    let mut stage = Setup::set().await;
    for (number, victims) in VICTIMS.into_iter().enumerate() {
        println!("{}", victims.join(", "));
        let (id, host) = register(&mut stage, victims, number).await;
        let car = register_car(&mut stage, victims, number, &host).await;

        let expected = ["user.registered", "vehicle.activated", "vehicle.registered"];
        eventually_true(TIMEOUT, || async {
            stage.sql.feed(&id).await.len() >= expected.len()
        })
        .await;
        assert_eq!(stage.sql.feed(&id).await, expected);
        invariants::hold(&stage.fleet).await;
        let slot = next_slot(carshare_chassis::Clock::system().now());
        assert!(stage.guest.finds(&car, slot).await, "it can be booked");
    }
    let stored = "SELECT (SELECT count(*) FROM auth.users) * 100 + count(*) FROM vehicle.vehicles";
    let people = VICTIMS.len() as i64 + 2;
    let cars = VICTIMS.len() as i64 + 1;
    assert_eq!(stage.sql.count(stored).await, people * 100 + cars);
}

/// A host's id and session; the crash falls into the account's transaction.
async fn register(stage: &mut Setup, victims: &[&'static str], number: usize) -> (String, Rest) {
    let account = json!({
        "email": format!("crash{number}@example.com"), "password": PASSWORD, "name": "이도윤",
        "phone": "010-2345-6789", "role": "host",
    });
    let anonymous = Rest::new(stage.fleet.gateway());
    let registering = Call::post(&anonymous, "/v1/auth/register", account);
    let session = stage.dying_at(USERS, victims, registering).await.ok(201);
    let token = session["access_token"].as_str().expect("a token");
    (text(&session["user"]["id"]), anonymous.signed_in(token))
}

/// A car's id; crashes fall into its creation, the announcement of its photo and the photo's completion.
async fn register_car(stage: &mut Setup, victims: &[&'static str], number: usize, host: &Rest) -> String {
    let car = json!({
        "license_plate": format!("99하{:04}", 1000 + number), "make": "Kia", "model": "K5", "year": 2024,
        "hourly_rate": 10_000, "location_address": "서울 중구 세종대로 110",
    });
    let creating = Call::post(host, "/v1/vehicles", car);
    let id = text(&stage.dying_at(VEHICLES, victims, creating).await.ok(201)["id"]);

    let images = format!("/v1/vehicles/{id}/images");
    let announced = json!({ "content_type": "image/png", "size_bytes": photo().len() });
    let announcing = Call::post(host, &*images, announced);
    let upload = stage.dying_at(IMAGES, victims, announcing).await.ok(201);
    assert_eq!(put(&upload, photo()).await, 200);

    let complete = format!("{images}/{}:complete", text(&upload["image_id"]));
    let completing = Call::post(host, complete, json!({}));
    let active = stage.dying_at(IMAGES, victims, completing).await.ok(200);
    assert_eq!(active["status"], "active");
    assert_eq!(active["images"].as_array().map(Vec::len), Some(1));
    id
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}
