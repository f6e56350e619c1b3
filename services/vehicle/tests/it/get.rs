//! `GetVehicle`.

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::*;
use uuid::Uuid;

use crate::harness::{Harness, assert_reason, into_message};

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
    assert_eq!(
        into_message(harness.client.clone().get_vehicle(anonymous).await).unwrap(),
        offered
    );
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
