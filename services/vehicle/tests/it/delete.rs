//! `DeleteVehicle`.

use std::time::Duration;

use carshare_proto::vehicle::v1::*;
use uuid::Uuid;

use crate::harness::calls::change;
use crate::harness::images::{http, png, put};
use crate::harness::{Harness, assert_reason, at, wait_until, with_idempotency_key};

#[tokio::test]
async fn deleted_vehicle_is_not_found() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    assert_reason(
        harness.delete(harness.host(), &car).await,
        ErrorReason::VehicleNotFound,
    );
    harness.delete(host, &car).await.unwrap();
    assert_reason(harness.get(host, &car.id).await, ErrorReason::VehicleNotFound);
    assert_reason(
        harness.update(host, change(&car)).await,
        ErrorReason::VehicleNotFound,
    );
    assert_reason(harness.delete(host, &car).await, ErrorReason::VehicleNotFound);
    let hold = harness
        .hold(Uuid::from_u128(1), &car, ("24T09:00", "24T10:00"))
        .await;
    assert_reason(hold, ErrorReason::VehicleNotFound);
    let expected_event = VehicleWithdrawn {
        vehicle_id: car.id,
        owner_id: host.id.to_string(),
    };
    assert_eq!(harness.events::<VehicleWithdrawn>().await, [expected_event]);
    harness.finish().await;
}

#[tokio::test]
async fn photos_of_a_deleted_vehicle_are_deleted_with_their_files() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.inactive_car(host).await;
    let car = harness.add_photo(host, &car).await;
    let announced = harness
        .create_upload(host, &car.id, "image/png", 500)
        .await
        .unwrap();
    assert_eq!(put(&announced, png(800, 600, 500)).await, 200);
    harness.delete(host, &car).await.unwrap();
    harness.clock.advance(Duration::from_mins(21));
    wait_until(|| async { harness.row_count("vehicle_images").await == 0 }).await;
    for url in [&car.images[0], car.thumbnail_url.as_ref().unwrap()] {
        assert_eq!(http().get(url).send().await.unwrap().status().as_u16(), 404);
    }
    assert!(
        !harness
            .is_stored(&format!("uploads/{}", announced.image_id))
            .await
    );
    harness.finish().await;
}

#[tokio::test]
async fn delete_vehicle_with_future_holds_or_bookings_is_refused() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    harness
        .hold(Uuid::from_u128(1), &car, ("23T10:00", "23T12:00"))
        .await
        .unwrap();
    assert_reason(harness.delete(host, &car).await, ErrorReason::VehicleHasBookings);
    harness
        .execute("UPDATE occupancies SET kind = 'booking', expires_at = NULL")
        .await;
    harness.clock.set(at("23T11:59"));
    assert_reason(harness.delete(host, &car).await, ErrorReason::VehicleHasBookings);
    harness.clock.set(at("23T12:00"));
    harness.delete(host, &car).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn delete_vehicle_ignores_an_expired_hold() {
    let harness = Harness::start_with(|config| config.holds.sweep_every = Duration::from_hours(1_200)).await;
    let host = harness.host();
    let car = harness.car(host).await;
    harness
        .hold(Uuid::from_u128(1), &car, ("24T10:00", "24T12:00"))
        .await
        .unwrap();
    harness.clock.advance(Duration::from_mins(2));
    harness.delete(host, &car).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn delete_vehicle_repeated_with_its_key_applies_once() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    for _ in 0..2 {
        let call = harness.request(
            host,
            DeleteVehicleRequest {
                vehicle_id: car.id.clone(),
            },
        );
        harness
            .client
            .clone()
            .delete_vehicle(with_idempotency_key(call, "key-1"))
            .await
            .unwrap();
    }
    assert_eq!(harness.events::<VehicleWithdrawn>().await.len(), 1);
    harness.finish().await;
}

#[tokio::test]
async fn concurrent_delete_and_hold_apply_one() {
    let harness = Harness::start().await;
    let host = harness.host();
    for number in 0..12 {
        let car = harness.car(host).await;
        let hold = harness.hold(Uuid::from_u128(number), &car, ("24T10:00", "24T12:00"));
        let (deleted, held) = futures::future::join(harness.delete(host, &car), hold).await;
        match (deleted, held) {
            (Ok(_), held) => drop(assert_reason(held, ErrorReason::VehicleNotFound)),
            (deleted, Ok(_)) => drop(assert_reason(deleted, ErrorReason::VehicleHasBookings)),
            neither => panic!("{neither:?}"),
        }
    }
    harness.finish().await;
}
