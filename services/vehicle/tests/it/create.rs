//! `CreateVehicle`.

use std::time::Duration;

use carshare_proto::auth::v1::UserProfile;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::options::v1::Role;
use carshare_proto::vehicle::v1::*;
use carshare_vehicle::domain::PlateClass;
use wiremock::ResponseTemplate;

use crate::harness::{Harness, keyed, only, refused, stamp};
use crate::kakao::{self, GANGNAM};

#[tokio::test]
async fn create_vehicle_registers_a_car_at_its_place_on_the_map() {
    let harness = Harness::start().await;
    let host = harness.host();
    let registration = CreateVehicleRequest {
        license_plate: " 12 하 3456 ".into(),
        location_address: format!("{GANGNAM}, 지하 2층"),
        ..harness.registration(GANGNAM)
    };
    let car = harness.create(host, registration).await.unwrap();
    let owner = UserProfile {
        id: host.id.to_string(),
        role: Role::Host.into(),
        ..UserProfile::default()
    };
    let expected = Vehicle {
        id: car.id.clone(),
        owner_id: host.id.to_string(),
        license_plate: "12하3456".into(),
        make: "제네시스".into(),
        model: "G80".into(),
        year: 2025,
        color: Some("검정".into()),
        fuel_type: FuelType::Gasoline.into(),
        transmission: Transmission::Automatic.into(),
        hourly_rate: 15_000,
        location_address: GANGNAM.into(),
        location_lat: 37.500_024_240_551_5,
        location_lng: 127.036_508_620_542,
        status: VehicleStatus::Inactive.into(),
        images: Vec::new(),
        description: None,
        owner: Some(owner),
        distance_m: None,
        created_at: stamp("23T09:00"),
        updated_at: stamp("23T09:00"),
    };
    assert_eq!(car, expected);
    assert_eq!(harness.get(host, &car.id).await.unwrap(), expected);
    let told = VehicleRegistered {
        vehicle_id: car.id,
        owner_id: host.id.to_string(),
        license_plate: "12하3456".into(),
        title: "제네시스 G80".into(),
    };
    assert_eq!(harness.told::<VehicleRegistered>().await, [told]);
    harness.finish().await;
}

#[tokio::test]
async fn create_vehicle_refuses_what_is_no_plate_before_it_asks_the_map() {
    let harness = Harness::start().await;
    let host = harness.host();
    for plate in ["1234567", "12하0099", "서울33바1234"] {
        let registration = CreateVehicleRequest {
            license_plate: plate.into(),
            ..harness.registration(GANGNAM)
        };
        refused(
            harness.create(host, registration).await,
            ErrorReason::InvalidLicensePlate,
        );
    }
    assert_eq!(kakao::asked(&harness.kakao).await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn create_vehicle_accepts_the_classes_that_are_configured() {
    let harness = Harness::start_with(|config| config.plates.accepted = vec![PlateClass::Rental]).await;
    let host = harness.host();
    let private = CreateVehicleRequest {
        license_plate: "12가3456".into(),
        ..harness.registration(GANGNAM)
    };
    refused(
        harness.create(host, private).await,
        ErrorReason::InvalidLicensePlate,
    );
    harness.create(host, harness.registration(GANGNAM)).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn create_vehicle_names_every_wrong_field() {
    let harness = Harness::start().await;
    let wrong = CreateVehicleRequest {
        license_plate: String::new(),
        make: String::new(),
        model: "x".repeat(51),
        year: 1979,
        color: Some("x".repeat(31)),
        fuel_type: 9,
        transmission: 9,
        hourly_rate: 999,
        location_address: "x".into(),
        description: Some("x".repeat(2001)),
    };
    let error = refused(
        harness.create(harness.host(), wrong).await,
        Common::InvalidArgument,
    );
    let mut fields: Vec<&str> = error
        .violations()
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    fields.sort_unstable();
    let expected = [
        "color",
        "description",
        "fuel_type",
        "hourly_rate",
        "license_plate",
        "location_address",
        "make",
        "model",
        "transmission",
        "year",
    ];
    assert_eq!(fields, expected);
    harness.finish().await;
}

#[tokio::test]
async fn create_vehicle_takes_next_years_model_and_none_later() {
    let harness = Harness::start().await;
    let host = harness.host();
    let of = |year: i32| CreateVehicleRequest {
        year,
        ..harness.registration(GANGNAM)
    };
    let error = refused(harness.create(host, of(2028)).await, Common::InvalidArgument);
    assert_eq!(
        (error.violations()[0].field.as_str(), error.violations().len()),
        ("year", 1)
    );
    assert_eq!(harness.create(host, of(2027)).await.unwrap().year, 2027);
    harness.finish().await;
}

#[tokio::test]
async fn create_vehicle_refuses_an_unknown_address_and_stores_nothing() {
    let harness = Harness::start().await;
    let registration = harness.registration("서울 강남구 없는길 1");
    refused(
        harness.create(harness.host(), registration).await,
        ErrorReason::AddressNotFound,
    );
    assert_eq!(
        (harness.rows("vehicles").await, harness.rows("outbox").await),
        (0, 0)
    );
    harness.finish().await;
}

#[tokio::test]
async fn create_vehicle_says_when_to_come_back_while_the_map_is_away() {
    let harness = Harness::start().await;
    let host = harness.host();
    kakao::answer(&harness.kakao, ResponseTemplate::new(503)).await;
    for _ in 0..5 {
        let error = refused(
            harness.create(host, harness.registration(GANGNAM)).await,
            ErrorReason::MapUnavailable,
        );
        assert_eq!(error.retry_delay(), Some(Duration::from_secs(5)));
    }
    // Now the breaker is open: nothing is asked, and it says for how long.
    harness.clock.advance(Duration::from_secs(10));
    let error = refused(
        harness.create(host, harness.registration(GANGNAM)).await,
        ErrorReason::MapUnavailable,
    );
    assert_eq!(error.retry_delay(), Some(Duration::from_secs(20)));
    assert_eq!(kakao::asked(&harness.kakao).await, 5);
    assert_eq!(
        (harness.rows("vehicles").await, harness.rows("outbox").await),
        (0, 0)
    );
    // It closes when its time is over and the map answers.
    kakao::heal(&harness.kakao).await;
    harness.clock.advance(Duration::from_secs(20));
    harness.create(host, harness.registration(GANGNAM)).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn create_vehicle_does_not_wait_for_a_slow_map() {
    let harness = Harness::start_with(|config| config.kakao.http.timeout = Duration::from_millis(200)).await;
    kakao::answer(
        &harness.kakao,
        ResponseTemplate::new(200).set_delay(Duration::from_mins(1)),
    )
    .await;
    let refusal = harness
        .create(harness.host(), harness.registration(GANGNAM))
        .await;
    let error = refused(refusal, ErrorReason::MapUnavailable);
    assert_eq!(error.retry_delay(), Some(Duration::from_secs(5)));
    assert_eq!(harness.rows("vehicles").await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn create_vehicle_passes_the_end_of_the_quota_on() {
    let harness = Harness::start().await;
    let throttled =
        serde_json::json!({ "errorType": "RequestThrottled", "message": "API limit has been exceeded." });
    kakao::answer(
        &harness.kakao,
        ResponseTemplate::new(429).set_body_json(throttled),
    )
    .await;
    let refusal = harness
        .create(harness.host(), harness.registration(GANGNAM))
        .await;
    let error = refused(refusal, ErrorReason::MapUnavailable);
    assert_eq!(error.retry_delay(), Some(Duration::from_mins(1)));
    harness.finish().await;
}

#[tokio::test]
async fn create_vehicle_refuses_a_plate_that_is_on_the_platform() {
    let harness = Harness::start().await;
    let host = harness.host();
    let registration = harness.registration(GANGNAM);
    let first = harness.create(host, registration.clone()).await.unwrap();
    let again = CreateVehicleRequest {
        license_plate: format!(" {}", registration.license_plate),
        ..registration
    };
    refused(
        harness.create(harness.host(), again.clone()).await,
        ErrorReason::LicensePlateTaken,
    );
    harness.delete(host, &first).await.unwrap();
    harness.create(harness.host(), again).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn create_vehicle_repeated_under_its_key_is_one_car() {
    let harness = Harness::start().await;
    let host = harness.host();
    let registration = harness.registration(GANGNAM);
    let create = async |registration: &CreateVehicleRequest| {
        let call = keyed(harness.by(host, registration.clone()), "key-1");
        only(harness.client.clone().create_vehicle(call).await)
    };
    let first = create(&registration).await.unwrap();
    // The repeat does not need the map any more.
    kakao::answer(&harness.kakao, ResponseTemplate::new(503)).await;
    assert_eq!(create(&registration).await.unwrap(), first);
    assert_eq!(
        (kakao::asked(&harness.kakao).await, harness.rows("vehicles").await),
        (0, 1)
    );
    assert_eq!(harness.told::<VehicleRegistered>().await.len(), 1);
    let other = CreateVehicleRequest {
        hourly_rate: 16_000,
        ..registration
    };
    refused(create(&other).await, Common::IdempotencyKeyReused);
    harness.finish().await;
}

#[tokio::test]
async fn create_vehicle_is_for_hosts() {
    let harness = Harness::start().await;
    refused(
        harness
            .create(harness.guest(), harness.registration(GANGNAM))
            .await,
        Common::PermissionDenied,
    );
    let anonymous = harness
        .client
        .clone()
        .create_vehicle(harness.registration(GANGNAM))
        .await;
    refused(anonymous, Common::Unauthenticated);
    assert_eq!(harness.rows("vehicles").await, 0);
    harness.finish().await;
}
