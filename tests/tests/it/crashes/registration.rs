//! Registration of users and cars with a kill in each of the calls.

use carshare_testkit::eventually_true;
use serde_json::{Value, json};

use super::kill::{ALL_SERVICES, Call, Kill, fleet};
use crate::harness::{
    Deployment as _, IMAGES, PASSWORD, Rest, Setup, TIMEOUT, USERS, VEHICLES, id, next_slot, photo, put,
};
use carshare_mesh::Fleet;

const KILLS: [Kill<'static>; 5] = [
    Kill::all(&["auth", "vehicle"]),
    Kill::one(&["auth", "vehicle"]),
    Kill::all(&["gateway"]),
    Kill::all(&["notification"]),
    Kill::all(&ALL_SERVICES),
];

#[tokio::test(flavor = "multi_thread")]
async fn repeated_registration_creates_one_host_and_one_car() {
    let mut setup = fleet().await;
    for (number, kill) in KILLS.into_iter().enumerate() {
        println!("{kill:?}");
        let (host_id, host) = register(&mut setup, kill, number).await;
        let car = register_car(&mut setup, kill, number, &host).await;

        let expected = ["user.registered", "vehicle.activated", "vehicle.registered"];
        eventually_true(TIMEOUT, || async {
            setup.sql.all_notification_kinds(&host_id).await.len() >= expected.len()
        })
        .await;
        assert_eq!(setup.sql.all_notification_kinds(&host_id).await, expected);
        setup.assert_consistent().await;
        let slot = next_slot(setup.mesh.now());
        assert!(setup.guest.finds(&car, slot).await, "the car can be booked");
    }
    let stored = "SELECT (SELECT count(*) FROM auth.users) * 100 + count(*) FROM vehicle.vehicles";
    let (users, cars) = (KILLS.len() as i64 + 2, KILLS.len() as i64 + 1);
    assert_eq!(setup.sql.count(stored).await, users * 100 + cars);
}

/// Id and session of a new host; killed in the transaction that inserts the account.
async fn register(setup: &mut Setup<Fleet>, kill: Kill<'_>, number: usize) -> (String, Rest) {
    let account = json!({
        "email": format!("crash{number}@example.com"), "password": PASSWORD, "name": "이도윤",
        "phone": "010-2345-6789", "role": "host",
    });
    let anonymous = Rest::of(&setup.mesh);
    let registering = Call::post(&anonymous, "/v1/auth/register", account);
    let response = registering.send_with_kill(&mut setup.mesh, &setup.sql, USERS, kill);
    let session = response.await.ok(201);
    let token = session["access_token"].as_str().expect("a token");
    (id(&session["user"]), anonymous.signed_in(token))
}

/// Id of a new car; killed in its creation, in the announcement of its photo and in the photo's completion.
async fn register_car(setup: &mut Setup<Fleet>, kill: Kill<'_>, number: usize, host: &Rest) -> String {
    let car = json!({
        "license_plate": format!("99하{:04}", 1000 + number), "make": "Kia", "model": "K5", "year": 2024,
        "hourly_rate": 10_000, "location_address": "서울 중구 세종대로 110",
    });
    let (fleet, sql) = (&mut setup.mesh, &setup.sql);
    let creating = Call::post(host, "/v1/vehicles", car);
    let car = creating.send_with_kill(fleet, sql, VEHICLES, kill).await.ok(201);

    let images = format!("/v1/vehicles/{}/images", id(&car));
    let announced = json!({ "content_type": "image/png", "size_bytes": photo().len() });
    let announcing = Call::post(host, &*images, announced);
    let upload = announcing.send_with_kill(fleet, sql, IMAGES, kill).await.ok(201);
    assert_eq!(put(&upload, photo()).await, 200);

    let complete = format!(
        "{images}/{}/complete",
        upload["image_id"].as_str().expect("an id")
    );
    let completing = Call::put(host, complete);
    let active: Value = completing.send_with_kill(fleet, sql, IMAGES, kill).await.ok(200);
    assert_eq!(active["status"], "active");
    assert_eq!(active["images"].as_array().map(Vec::len), Some(1));
    id(&car)
}
