//! `CheckHold`: what `PlaceHold` would decide.

use std::time::Duration;

use carshare_proto::booking::v1::ErrorReason as BookingReason;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::*;
use tonic::Status;
use uuid::Uuid;

use crate::harness::calls::{Period, booking, hold_of, open_on};
use crate::harness::{Harness, assert_reason, from_service, into_message, timestamp};
use crate::search::TUESDAY;

pub fn check_of(car: &Vehicle, period: Period) -> CheckHoldRequest {
    let PlaceHoldRequest {
        vehicle_id,
        guest_id,
        start_datetime,
        end_datetime,
        ..
    } = hold_of(booking(1), car, period);
    CheckHoldRequest {
        vehicle_id,
        guest_id,
        start_datetime,
        end_datetime,
    }
}

impl Harness {
    async fn check(&self, request: CheckHoldRequest) -> Result<CheckHoldResponse, Status> {
        let request = from_service("booking", request);
        into_message(self.client.clone().check_hold(request).await)
    }

    /// Returns whether the car is taken, and whether it is closed.
    async fn conditions(&self, car: &Vehicle, period: Period) -> (bool, bool) {
        let checked = self.check(check_of(car, period)).await.unwrap();
        (checked.is_taken, checked.is_closed)
    }
}

#[tokio::test]
async fn check_hold_returns_the_car_of_a_hold_and_places_none() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    let checked = harness.check(check_of(&car, TUESDAY)).await.unwrap();
    assert_eq!(harness.row_count("occupancies").await, 0);
    let held = harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    let expected = CheckHoldResponse {
        vehicle: held.vehicle,
        is_taken: false,
        is_closed: false,
    };
    assert_eq!(checked, expected);
    harness.finish().await;
}

#[tokio::test]
async fn check_hold_decides_as_a_hold_does() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    let (start, end) = TUESDAY;
    assert_eq!(harness.conditions(&car, TUESDAY).await, (true, false));
    assert_eq!(
        harness.conditions(&car, ("20T09:00", start)).await,
        (false, false)
    );
    assert_eq!(harness.conditions(&car, (end, "30T09:00")).await, (false, false));
    harness
        .add_rule(host, open_on(&car, 5, "10:00", "14:00"))
        .await
        .unwrap();
    assert_eq!(harness.conditions(&car, TUESDAY).await, (true, true));
    // An expired hold does not take the car.
    harness.clock.advance(Duration::from_hours(1));
    assert_eq!(harness.conditions(&car, TUESDAY).await, (false, true));
    harness.finish().await;
}

#[tokio::test]
async fn check_hold_of_a_car_that_cannot_be_held_is_refused() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    let own = CheckHoldRequest {
        guest_id: host.id.to_string(),
        ..check_of(&car, TUESDAY)
    };
    assert_reason(harness.check(own).await, ErrorReason::OwnVehicle);
    let unknown = CheckHoldRequest {
        vehicle_id: Uuid::from_u128(7).to_string(),
        ..check_of(&car, TUESDAY)
    };
    assert_reason(harness.check(unknown).await, ErrorReason::VehicleNotFound);
    let inactive = harness.inactive_car(host).await;
    let refused = harness.check(check_of(&inactive, TUESDAY)).await;
    assert_reason(refused, ErrorReason::VehicleNotFound);
    let reversed = CheckHoldRequest {
        end_datetime: timestamp(TUESDAY.0),
        ..check_of(&car, TUESDAY)
    };
    assert_reason(harness.check(reversed).await, Common::InvalidArgument);
    let mut far = check_of(&car, TUESDAY);
    for time in [&mut far.start_datetime, &mut far.end_datetime] {
        time.as_mut().unwrap().seconds += 1_000 * 24 * 3_600;
    }
    assert_reason(harness.check(far).await, BookingReason::TooFarAhead);
    let by_guest = harness.request(harness.guest(), check_of(&car, TUESDAY));
    let refused = into_message(harness.client.clone().check_hold(by_guest).await);
    assert_reason(refused, Common::Unauthenticated);
    harness.finish().await;
}
