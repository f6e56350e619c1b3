//! Vehicle registration: address, photo, activation, and their errors.

use serde_json::json;

use crate::harness::{Guest, Host, Rest, mesh, next_slot, put};

#[tokio::test(flavor = "multi_thread")]
async fn car_is_found_after_geocoding_and_photo() {
    let mesh = mesh().await;
    let (host, guest) = (Host::register(&mesh).await, Guest::register(&mesh).await);
    let car = host.new_car().await.ok(201);
    assert_eq!(car["status"], "inactive");
    assert_eq!(car["owner_id"], json!(host.id));
    assert_eq!(car["location_address"], "서울 중구 세종대로 110");
    assert_eq!(car["location_lat"], json!(37.566_317_420_960_1));
    assert_eq!(car["location_lng"], json!(126.977_829_174_031));
    assert_eq!(
        (&car["fuel_type"], &car["hourly_rate"], &car["images"]),
        (&json!("gasoline"), &json!(20_000), &json!([]))
    );

    let id = car["id"].as_str().expect("an id");
    let slot = next_slot(mesh.now());
    assert!(
        !guest.finds(id, slot).await,
        "a car without a photo is not offered"
    );
    guest
        .rest
        .get(&format!("/v1/vehicles/{id}"))
        .await
        .expect_error(404, "VEHICLE001");

    let active = host.add_photo(id).await.ok(200);
    assert_eq!(active["status"], "active");
    let photo = active["images"][0].as_str().expect("a URL");
    let shown = reqwest::get(photo).await.expect("a response");
    assert_eq!(shown.headers()["content-type"], "image/jpeg");
    assert!(shown.bytes().await.expect("a body").starts_with(b"\xff\xd8\xff"));
    assert!(guest.finds(id, slot).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_address_is_rejected_and_stores_nothing() {
    let mesh = mesh().await;
    let host = Host::register(&mesh).await;
    let car = |address: &str| {
        json!({
            "license_plate": "34허5678", "make": "Kia", "model": "Ray", "year": 2024,
            "hourly_rate": 7_000, "location_address": address,
        })
    };
    let problem = host
        .rest
        .post("/v1/vehicles", &car("없는도시 없는로 999"))
        .await
        .expect_error(400, "VEHICLE006");
    assert_eq!(
        problem["detail"],
        "주소를 찾을 수 없습니다. 도로명 또는 지번 주소를 확인해 주세요."
    );
    // The plate is free: nothing was stored.
    host.rest
        .post("/v1/vehicles", &car("서울 강남구 테헤란로 152"))
        .await
        .ok(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_that_is_no_image_is_rejected_and_the_car_stays_inactive() {
    let mesh = mesh().await;
    let host = Host::register(&mesh).await;
    let id = host.new_car().await.ok(201)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let images = format!("/v1/vehicles/{id}/images");
    let announced = json!({ "content_type": "image/jpeg", "size_bytes": 9 });
    let upload = host.rest.post(&images, &announced).await.ok(201);
    let complete = format!(
        "{images}/{}/complete",
        upload["image_id"].as_str().expect("an id")
    );

    host.rest
        .put(&complete, &json!({}))
        .await
        .expect_error(409, "VEHICLE009");
    assert_eq!(
        put(&upload, b"more than nine bytes".to_vec()).await,
        403,
        "the size is part of the signature"
    );
    assert_eq!(put(&upload, b"not a jpg".to_vec()).await, 200);
    host.rest
        .put(&complete, &json!({}))
        .await
        .expect_error(400, "VEHICLE010");
    let car = host.rest.get(&format!("/v1/vehicles/{id}")).await.ok(200);
    assert_eq!((&car["status"], &car["images"]), (&json!("inactive"), &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_changes_a_car() {
    let mesh = mesh().await;
    let (host, other, guest) = (
        Host::register(&mesh).await,
        Host::register(&mesh).await,
        Guest::register(&mesh).await,
    );
    let id = host.car().await;
    let path = format!("/v1/vehicles/{id}");
    let change = json!({ "hourly_rate": 1_000 });
    Rest::of(&mesh)
        .put(&path, &change)
        .await
        .expect_error(401, "AUTH001");
    guest.rest.put(&path, &change).await.expect_error(403, "AUTH003");
    other
        .rest
        .put(&path, &change)
        .await
        .expect_error(404, "VEHICLE001");
    other.rest.delete(&path).await.expect_error(404, "VEHICLE001");
    let car = host
        .rest
        .put(&path, &json!({ "hourly_rate": 25_000 }))
        .await
        .ok(200);
    assert_eq!(
        (&car["hourly_rate"], &car["make"]),
        (&json!(25_000), &json!("Genesis"))
    );
    host.rest.delete(&path).await.ok(204);
    host.rest.get(&path).await.expect_error(404, "VEHICLE001");
}
