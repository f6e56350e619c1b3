//! `CreateVehicle`: stored fields, license plates, callers and idempotency keys.

use carshare_proto::auth::v1::UserProfile;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::options::v1::Role;
use carshare_proto::vehicle::v1::*;
use carshare_vehicle::domain::PlateClass;
use wiremock::ResponseTemplate;

use crate::harness::{Harness, assert_reason, into_message, timestamp, with_idempotency_key};
use crate::kakao::{self, GANGNAM};

#[tokio::test]
async fn create_vehicle_stores_the_geocoded_car_and_publishes_registered() {
    let harness = Harness::start().await;
    let host = harness.host();
    let registration = CreateVehicleRequest {
        license_plate: " 12 하 3456 ".into(),
        location_address: format!("{GANGNAM}, 지하 2층"),
        instant_book: true,
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
        created_at: timestamp("23T09:00"),
        updated_at: timestamp("23T09:00"),
        etag: car.etag.clone(),
        rating: None,
        thumbnail_url: None,
        instant_book: true,
        pricing: None,
    };
    assert_eq!(car, expected);
    assert_eq!(harness.get(host, &car.id).await.unwrap(), expected);
    let expected_event = VehicleRegistered {
        vehicle_id: car.id,
        owner_id: host.id.to_string(),
        license_plate: "12하3456".into(),
        title: "제네시스 G80".into(),
    };
    assert_eq!(harness.events::<VehicleRegistered>().await, [expected_event]);
    harness.finish().await;
}

#[tokio::test]
async fn create_vehicle_with_an_invalid_plate_is_refused_without_geocoding() {
    let harness = Harness::start().await;
    let host = harness.host();
    for plate in ["1234567", "12하0099", "서울33바1234"] {
        let registration = CreateVehicleRequest {
            license_plate: plate.into(),
            ..harness.registration(GANGNAM)
        };
        assert_reason(
            harness.create(host, registration).await,
            ErrorReason::InvalidLicensePlate,
        );
    }
    assert_eq!(kakao::request_count(&harness.kakao).await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn create_vehicle_accepts_configured_plate_classes_only() {
    let harness = Harness::start_with(|config| config.plates.accepted = vec![PlateClass::Rental]).await;
    let host = harness.host();
    let private = CreateVehicleRequest {
        license_plate: "12가3456".into(),
        ..harness.registration(GANGNAM)
    };
    assert_reason(
        harness.create(host, private).await,
        ErrorReason::InvalidLicensePlate,
    );
    harness.create(host, harness.registration(GANGNAM)).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn create_vehicle_with_invalid_fields_names_them() {
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
        instant_book: false,
        pricing: None,
    };
    let error = assert_reason(
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
async fn create_vehicle_with_a_model_year_after_next_year_is_refused() {
    let harness = Harness::start().await;
    let host = harness.host();
    let of = |year: i32| CreateVehicleRequest {
        year,
        ..harness.registration(GANGNAM)
    };
    let error = assert_reason(harness.create(host, of(2028)).await, Common::InvalidArgument);
    assert_eq!(
        (error.violations()[0].field.as_str(), error.violations().len()),
        ("year", 1)
    );
    assert_eq!(harness.create(host, of(2027)).await.unwrap().year, 2027);
    harness.finish().await;
}

#[tokio::test]
async fn create_vehicle_with_a_taken_plate_is_refused() {
    let harness = Harness::start().await;
    let host = harness.host();
    let registration = harness.registration(GANGNAM);
    let first = harness.create(host, registration.clone()).await.unwrap();
    let again = CreateVehicleRequest {
        license_plate: format!(" {}", registration.license_plate),
        ..registration
    };
    assert_reason(
        harness.create(harness.host(), again.clone()).await,
        ErrorReason::LicensePlateTaken,
    );
    harness.delete(host, &first).await.unwrap();
    harness.create(harness.host(), again).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn create_vehicle_repeated_with_its_key_creates_one_car() {
    let harness = Harness::start().await;
    let host = harness.host();
    let registration = harness.registration(GANGNAM);
    let create = async |registration: &CreateVehicleRequest| {
        let call = with_idempotency_key(harness.request(host, registration.clone()), "key-1");
        into_message(harness.client.clone().create_vehicle(call).await)
    };
    let first = create(&registration).await.unwrap();
    // The repeat does not call Kakao.
    kakao::respond_with(&harness.kakao, ResponseTemplate::new(503)).await;
    assert_eq!(create(&registration).await.unwrap(), first);
    assert_eq!(
        (
            kakao::request_count(&harness.kakao).await,
            harness.row_count("vehicles").await
        ),
        (0, 1)
    );
    assert_eq!(harness.events::<VehicleRegistered>().await.len(), 1);
    let other = CreateVehicleRequest {
        hourly_rate: 16_000,
        ..registration
    };
    assert_reason(create(&other).await, Common::IdempotencyKeyReused);
    harness.finish().await;
}

#[tokio::test]
async fn create_vehicle_without_the_host_role_is_refused() {
    let harness = Harness::start().await;
    assert_reason(
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
    assert_reason(anonymous, Common::Unauthenticated);
    assert_eq!(harness.row_count("vehicles").await, 0);
    harness.finish().await;
}
