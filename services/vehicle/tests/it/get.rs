//! `GetVehicle`.

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::*;
use uuid::Uuid;

use crate::harness::{Harness, assert_reason, into_message};
use crate::kakao::GANGNAM;

#[tokio::test]
async fn get_vehicle_of_an_inactive_car_is_visible_to_its_host_only() {
    let harness = Harness::start().await;
    let (host, other) = (harness.host(), harness.host());
    let waiting = harness.inactive_car(host).await;
    assert_eq!(harness.get(host, &waiting.id).await.unwrap(), waiting);
    assert_reason(
        harness.get(other, &waiting.id).await,
        ErrorReason::VehicleNotFound,
    );
    let anonymous = GetVehicleRequest {
        vehicle_id: waiting.id,
    };
    assert_reason(
        harness.client.clone().get_vehicle(anonymous).await,
        ErrorReason::VehicleNotFound,
    );

    let offered = harness.car(host).await;
    let anonymous = GetVehicleRequest {
        vehicle_id: offered.id.clone(),
    };
    let shown = into_message(harness.client.clone().get_vehicle(anonymous).await).unwrap();
    assert_eq!(shown.id, offered.id);
    harness.finish().await;
}

#[tokio::test]
async fn get_vehicle_shows_the_plate_and_the_exact_place_to_the_host_only() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    assert_eq!(
        (car.location_address.as_str(), car.location_lat, car.location_lng),
        (GANGNAM, 37.500_024_240_551_5, 127.036_508_620_542)
    );
    assert_eq!(harness.get(host, &car.id).await.unwrap(), car);
    let anonymous = GetVehicleRequest {
        vehicle_id: car.id.clone(),
    };
    let shown = into_message(harness.client.clone().get_vehicle(anonymous).await).unwrap();
    assert_ne!(shown.etag, car.etag);
    let expected = Vehicle {
        license_plate: String::new(),
        location_address: "서울 강남구".into(),
        location_lat: 37.505,
        location_lng: 127.035,
        etag: shown.etag.clone(),
        ..car.clone()
    };
    assert_eq!(shown, expected);
    for other in [harness.guest(), harness.host()] {
        assert_eq!(harness.get(other, &car.id).await.unwrap(), expected);
    }
    harness.finish().await;
}

#[tokio::test]
async fn get_vehicle_with_an_unknown_or_invalid_id_is_refused() {
    let harness = Harness::start().await;
    let guest = harness.guest();
    assert_reason(
        harness.get(guest, &Uuid::from_u128(1).to_string()).await,
        ErrorReason::VehicleNotFound,
    );
    let error = assert_reason(harness.get(guest, "seven").await, Common::InvalidArgument);
    assert_eq!(error.violations()[0].field, "vehicle_id");
    harness.finish().await;
}
