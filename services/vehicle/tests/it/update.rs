//! `UpdateVehicle`.

use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::*;
use wiremock::ResponseTemplate;

use crate::harness::calls::change;
use crate::harness::{Harness, assert_reason, into_message, timestamp, with_idempotency_key};
use crate::kakao::{self, CITY_HALL, GANGNAM};

#[tokio::test]
async fn update_vehicle_changes_the_given_fields_only() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    harness.clock.advance(Duration::from_mins(1));
    let update = UpdateVehicleRequest {
        color: Some(String::new()),
        hourly_rate: Some(18_000),
        transmission: Some(Transmission::Unspecified.into()),
        description: Some("블랙박스 있음".into()),
        instant_book: Some(true),
        ..change(&car)
    };
    let changed = harness.update(host, update).await.unwrap();
    let expected = Vehicle {
        color: None,
        hourly_rate: 18_000,
        transmission: Transmission::Unspecified.into(),
        description: Some("블랙박스 있음".into()),
        instant_book: true,
        updated_at: timestamp("23T09:01"),
        etag: changed.etag.clone(),
        ..car
    };
    assert_eq!(changed, expected);
    assert_eq!(harness.get(host, &expected.id).await.unwrap(), expected);
    let expected_event = VehicleUpdated {
        vehicle_id: expected.id,
        owner_id: host.id.to_string(),
    };
    assert_eq!(harness.events::<VehicleUpdated>().await, [expected_event]);
    harness.finish().await;
}

#[tokio::test]
async fn update_vehicle_to_the_present_values_changes_and_publishes_nothing() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    harness.clock.advance(Duration::from_mins(1));
    let present = UpdateVehicleRequest {
        make: Some(car.make.clone()),
        year: Some(car.year),
        color: car.color.clone(),
        hourly_rate: Some(car.hourly_rate),
        location_address: Some(car.location_address.clone()),
        status: Some(car.status),
        ..change(&car)
    };
    let revision = "SELECT revision AS count FROM vehicles";
    let before = harness.count(revision).await;
    for update in [change(&car), present] {
        assert_eq!(harness.update(host, update).await.unwrap(), car);
    }
    assert_eq!(harness.count(revision).await, before);
    assert_eq!(harness.events::<VehicleUpdated>().await, []);
    harness.finish().await;
}

#[tokio::test]
async fn update_vehicle_geocodes_a_changed_address_only() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    let to = |address: &str| UpdateVehicleRequest {
        location_address: Some(address.into()),
        ..change(&car)
    };
    kakao::restore(&harness.kakao).await;
    let same = harness.update(host, to(GANGNAM)).await.unwrap();
    assert_eq!(same.location_address, GANGNAM);
    assert_eq!(kakao::request_count(&harness.kakao).await, 0);

    let moved = harness.update(host, to(CITY_HALL)).await.unwrap();
    assert_eq!(
        (moved.location_address.as_str(), moved.location_lat),
        (CITY_HALL, 37.566_317_420_960_1)
    );
    assert_reason(
        harness.update(host, to("서울 없는길 1")).await,
        ErrorReason::AddressNotFound,
    );
    kakao::respond_with(&harness.kakao, ResponseTemplate::new(500)).await;
    assert_reason(
        harness.update(host, to(GANGNAM)).await,
        ErrorReason::MapUnavailable,
    );
    assert_eq!(harness.get(host, &car.id).await.unwrap(), moved);
    harness.finish().await;
}

#[tokio::test]
async fn update_vehicle_by_another_user_is_refused_without_geocoding() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    kakao::restore(&harness.kakao).await;
    let update = UpdateVehicleRequest {
        location_address: Some(CITY_HALL.into()),
        ..change(&car)
    };
    assert_reason(
        harness.update(harness.host(), update.clone()).await,
        ErrorReason::VehicleNotFound,
    );
    assert_reason(
        harness.update(harness.guest(), update).await,
        Common::PermissionDenied,
    );
    assert_eq!(kakao::request_count(&harness.kakao).await, 0);
    assert_eq!(harness.events::<VehicleUpdated>().await, []);
    harness.finish().await;
}

#[tokio::test]
async fn update_vehicle_activates_a_car_with_a_photo_and_publishes_once() {
    let harness = Harness::start().await;
    let host = harness.host();
    let waiting = harness.inactive_car(host).await;
    assert_reason(
        harness.set_status(host, &waiting, VehicleStatus::Active).await,
        ErrorReason::NoImage,
    );
    let car = harness.car(host).await;
    let status = async |status| harness.set_status(host, &car, status).await.unwrap().status();
    assert_eq!(
        status(VehicleStatus::Maintenance).await,
        VehicleStatus::Maintenance
    );
    assert_eq!(status(VehicleStatus::Active).await, VehicleStatus::Active);
    assert_eq!(status(VehicleStatus::Active).await, VehicleStatus::Active);
    let expected_event = VehicleActivated {
        vehicle_id: car.id.clone(),
        owner_id: host.id.to_string(),
        title: "제네시스 G80".into(),
    };
    assert_eq!(harness.events::<VehicleActivated>().await, [expected_event]);
    harness.finish().await;
}

#[tokio::test]
async fn update_vehicle_with_invalid_fields_names_them() {
    let harness = Harness::start().await;
    let wrong = UpdateVehicleRequest {
        vehicle_id: "seven".into(),
        make: Some(String::new()),
        year: Some(2101),
        hourly_rate: Some(0),
        status: Some(0),
        ..UpdateVehicleRequest::default()
    };
    let error = assert_reason(
        harness.update(harness.host(), wrong).await,
        Common::InvalidArgument,
    );
    let mut fields: Vec<&str> = error
        .violations()
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    fields.sort_unstable();
    assert_eq!(fields, ["hourly_rate", "make", "status", "vehicle_id", "year"]);
    harness.finish().await;
}

#[tokio::test]
async fn update_vehicle_repeated_with_its_key_applies_once() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    let update = async |hourly_rate| {
        let update = UpdateVehicleRequest {
            hourly_rate: Some(hourly_rate),
            ..change(&car)
        };
        into_message(
            harness
                .client
                .clone()
                .update_vehicle(with_idempotency_key(harness.request(host, update), "key-1"))
                .await,
        )
    };
    let first = update(20_000).await.unwrap();
    harness.clock.advance(Duration::from_mins(1));
    assert_eq!(update(20_000).await.unwrap(), first);
    assert_eq!(harness.events::<VehicleUpdated>().await.len(), 1);
    assert_reason(update(21_000).await, Common::IdempotencyKeyReused);
    harness.finish().await;
}
