//! `GetVehicle`, `UpdateVehicle`, `DeleteVehicle`.

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::*;
use std::time::Duration;
use uuid::Uuid;
use wiremock::ResponseTemplate;

use crate::harness::cars::change;
use crate::harness::{Harness, at, keyed, only, refused, stamp};
use crate::kakao::{self, CITY_HALL, GANGNAM};

#[tokio::test]
async fn get_vehicle_shows_a_car_that_is_not_offered_to_its_host_alone() {
    let harness = Harness::start().await;
    let (host, other) = (harness.host(), harness.host());
    let waiting = harness.waiting_car(host).await;
    assert_eq!(harness.get(host, &waiting.id).await.unwrap(), waiting);
    refused(
        harness.get(other, &waiting.id).await,
        ErrorReason::VehicleNotFound,
    );
    let anonymous = GetVehicleRequest {
        vehicle_id: waiting.id,
    };
    refused(
        harness.client.clone().get_vehicle(anonymous).await,
        ErrorReason::VehicleNotFound,
    );

    let offered = harness.car(host).await;
    let anonymous = GetVehicleRequest {
        vehicle_id: offered.id.clone(),
    };
    assert_eq!(
        only(harness.client.clone().get_vehicle(anonymous).await).unwrap(),
        offered
    );
    harness.finish().await;
}

#[tokio::test]
async fn get_vehicle_knows_no_such_car() {
    let harness = Harness::start().await;
    let guest = harness.guest();
    refused(
        harness.get(guest, &Uuid::from_u128(1).to_string()).await,
        ErrorReason::VehicleNotFound,
    );
    let error = refused(harness.get(guest, "seven").await, Common::InvalidArgument);
    assert_eq!(error.violations()[0].field, "vehicle_id");
    harness.finish().await;
}

#[tokio::test]
async fn update_vehicle_changes_what_is_sent_and_leaves_the_rest() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    harness.clock.advance(Duration::from_mins(1));
    let update = UpdateVehicleRequest {
        color: Some(String::new()),
        hourly_rate: Some(18_000),
        transmission: Some(Transmission::Unspecified.into()),
        description: Some("블랙박스 있음".into()),
        ..change(&car)
    };
    let changed = harness.update(host, update).await.unwrap();
    let expected = Vehicle {
        color: None,
        hourly_rate: 18_000,
        transmission: Transmission::Unspecified.into(),
        description: Some("블랙박스 있음".into()),
        updated_at: stamp("23T09:01"),
        ..car
    };
    assert_eq!(changed, expected);
    assert_eq!(harness.get(host, &expected.id).await.unwrap(), expected);
    let told = VehicleUpdated {
        vehicle_id: expected.id,
        owner_id: host.id.to_string(),
    };
    assert_eq!(harness.told::<VehicleUpdated>().await, [told]);
    harness.finish().await;
}

#[tokio::test]
async fn update_vehicle_looks_a_new_address_up_and_an_old_one_not() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    let to = |address: &str| UpdateVehicleRequest {
        location_address: Some(address.into()),
        ..change(&car)
    };
    kakao::heal(&harness.kakao).await;
    let same = harness.update(host, to(GANGNAM)).await.unwrap();
    assert_eq!(same.location_address, GANGNAM);
    assert_eq!(kakao::asked(&harness.kakao).await, 0);

    let moved = harness.update(host, to(CITY_HALL)).await.unwrap();
    assert_eq!(
        (moved.location_address.as_str(), moved.location_lat),
        (CITY_HALL, 37.566_317_420_960_1)
    );
    refused(
        harness.update(host, to("서울 없는길 1")).await,
        ErrorReason::AddressNotFound,
    );
    kakao::answer(&harness.kakao, ResponseTemplate::new(500)).await;
    refused(
        harness.update(host, to(GANGNAM)).await,
        ErrorReason::MapUnavailable,
    );
    assert_eq!(harness.get(host, &car.id).await.unwrap(), moved);
    harness.finish().await;
}

#[tokio::test]
async fn update_vehicle_of_somebody_else_is_not_found_and_asks_no_map() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    kakao::heal(&harness.kakao).await;
    let update = UpdateVehicleRequest {
        location_address: Some(CITY_HALL.into()),
        ..change(&car)
    };
    refused(
        harness.update(harness.host(), update.clone()).await,
        ErrorReason::VehicleNotFound,
    );
    refused(
        harness.update(harness.guest(), update).await,
        Common::PermissionDenied,
    );
    assert_eq!(kakao::asked(&harness.kakao).await, 0);
    assert_eq!(harness.told::<VehicleUpdated>().await, []);
    harness.finish().await;
}

#[tokio::test]
async fn update_vehicle_activates_only_a_car_with_a_photo_and_tells_it_once() {
    let harness = Harness::start().await;
    let host = harness.host();
    let waiting = harness.waiting_car(host).await;
    refused(
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
    let told = VehicleActivated {
        vehicle_id: car.id.clone(),
        owner_id: host.id.to_string(),
        title: "제네시스 G80".into(),
    };
    assert_eq!(harness.told::<VehicleActivated>().await, [told]);
    harness.finish().await;
}

#[tokio::test]
async fn update_vehicle_names_every_wrong_field() {
    let harness = Harness::start().await;
    let wrong = UpdateVehicleRequest {
        vehicle_id: "seven".into(),
        make: Some(String::new()),
        year: Some(2101),
        hourly_rate: Some(0),
        status: Some(0),
        ..UpdateVehicleRequest::default()
    };
    let error = refused(
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
async fn update_vehicle_repeated_under_its_key_happens_once() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    let update = async |hourly_rate| {
        let update = UpdateVehicleRequest {
            hourly_rate: Some(hourly_rate),
            ..change(&car)
        };
        only(
            harness
                .client
                .clone()
                .update_vehicle(keyed(harness.by(host, update), "key-1"))
                .await,
        )
    };
    let first = update(20_000).await.unwrap();
    harness.clock.advance(Duration::from_mins(1));
    assert_eq!(update(20_000).await.unwrap(), first);
    assert_eq!(harness.told::<VehicleUpdated>().await.len(), 1);
    refused(update(21_000).await, Common::IdempotencyKeyReused);
    harness.finish().await;
}

#[tokio::test]
async fn delete_vehicle_withdraws_a_car_for_good() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    refused(
        harness.delete(harness.host(), &car).await,
        ErrorReason::VehicleNotFound,
    );
    harness.delete(host, &car).await.unwrap();
    refused(harness.get(host, &car.id).await, ErrorReason::VehicleNotFound);
    refused(
        harness.update(host, change(&car)).await,
        ErrorReason::VehicleNotFound,
    );
    refused(harness.delete(host, &car).await, ErrorReason::VehicleNotFound);
    let hold = harness
        .hold(Uuid::from_u128(1), &car, ("24T09:00", "24T10:00"))
        .await;
    refused(hold, ErrorReason::VehicleNotFound);
    let told = VehicleWithdrawn {
        vehicle_id: car.id,
        owner_id: host.id.to_string(),
    };
    assert_eq!(harness.told::<VehicleWithdrawn>().await, [told]);
    harness.finish().await;
}

#[tokio::test]
async fn delete_vehicle_waits_for_what_lies_ahead() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    harness
        .hold(Uuid::from_u128(1), &car, ("23T10:00", "23T12:00"))
        .await
        .unwrap();
    refused(harness.delete(host, &car).await, ErrorReason::VehicleHasBookings);
    harness
        .execute("UPDATE occupancies SET kind = 'booking', expires_at = NULL")
        .await;
    harness.clock.set(at("23T11:59"));
    refused(harness.delete(host, &car).await, ErrorReason::VehicleHasBookings);
    harness.clock.set(at("23T12:00"));
    harness.delete(host, &car).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn delete_vehicle_does_not_wait_for_a_dead_hold() {
    let harness = Harness::start_with(|config| config.holds.sweep_every = Duration::from_hours(1_200)).await;
    let host = harness.host();
    let car = harness.car(host).await;
    harness
        .hold(Uuid::from_u128(1), &car, ("24T10:00", "24T12:00"))
        .await
        .unwrap();
    harness.clock.advance(Duration::from_mins(10));
    harness.delete(host, &car).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn delete_vehicle_repeated_under_its_key_says_the_same() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    for _ in 0..2 {
        let call = harness.by(
            host,
            DeleteVehicleRequest {
                vehicle_id: car.id.clone(),
            },
        );
        harness
            .client
            .clone()
            .delete_vehicle(keyed(call, "key-1"))
            .await
            .unwrap();
    }
    assert_eq!(harness.told::<VehicleWithdrawn>().await.len(), 1);
    harness.finish().await;
}

#[tokio::test]
async fn delete_vehicle_and_a_hold_at_once_leave_no_hold_on_a_withdrawn_car() {
    let harness = Harness::start().await;
    let host = harness.host();
    for number in 0..12 {
        let car = harness.car(host).await;
        let hold = harness.hold(Uuid::from_u128(number), &car, ("24T10:00", "24T12:00"));
        let (deleted, held) = futures::future::join(harness.delete(host, &car), hold).await;
        match (deleted, held) {
            (Ok(_), held) => drop(refused(held, ErrorReason::VehicleNotFound)),
            (deleted, Ok(_)) => drop(refused(deleted, ErrorReason::VehicleHasBookings)),
            neither => panic!("{neither:?}"),
        }
    }
    harness.finish().await;
}
