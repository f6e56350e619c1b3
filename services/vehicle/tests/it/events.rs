//! What bookings and accounts tell, by the real relay and consumer.

use std::time::Duration;

use carshare_proto::auth::v1::{UserProfile, UserRegistered, UserUpdated};
use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::options::v1::Role;
use carshare_proto::vehicle::v1::{ErrorReason, Vehicle, VehicleHoldLost, VehicleStatus};
use uuid::Uuid;

use crate::harness::cars::{Span, facts};
use crate::harness::{Harness, at, refused, stamp};

const TUESDAY: Span = ("24T10:00", "24T14:00");

fn booking(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn requested(id: Uuid, car: &Vehicle) -> BookingRequested {
    BookingRequested {
        booking_id: id.to_string(),
        booking: facts(id, car, TUESDAY),
        ..BookingRequested::default()
    }
}

fn cancelled(id: Uuid, car: &Vehicle) -> BookingCancelled {
    BookingCancelled {
        booking_id: id.to_string(),
        booking: facts(id, car, TUESDAY),
        ..BookingCancelled::default()
    }
}

impl Harness {
    async fn bookings(&self) -> i64 {
        self.count("SELECT count(*) AS count FROM occupancies WHERE kind = 'booking' AND expires_at IS NULL")
            .await
    }
}

#[tokio::test]
async fn booking_requested_turns_the_hold_into_a_booking() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.booking_tells(requested(booking(1), &car)).await;
    assert_eq!(
        (harness.bookings().await, harness.rows("occupancies").await),
        (1, 1)
    );
    harness.clock.advance(Duration::from_hours(1));
    refused(
        harness.hold(booking(2), &car, TUESDAY).await,
        ErrorReason::VehicleUnavailable,
    );
    assert_eq!(harness.told::<VehicleHoldLost>().await, []);
    harness.finish().await;
}

#[tokio::test]
async fn booking_requested_takes_a_car_whose_hold_ended_if_it_is_still_free() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.release(booking(1)).await.unwrap();
    // Taken off the market meanwhile: what was agreed before stands.
    harness
        .set_status(host, &car, VehicleStatus::Inactive)
        .await
        .unwrap();
    harness.booking_tells(requested(booking(1), &car)).await;
    assert_eq!(harness.bookings().await, 1);
    assert_eq!(harness.told::<VehicleHoldLost>().await, []);
    harness.finish().await;
}

#[tokio::test]
async fn booking_requested_goes_over_a_dead_hold_of_another() {
    let harness = Harness::start_with(|config| config.holds.sweep_every = Duration::from_hours(1_200)).await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(2), &car, TUESDAY).await.unwrap();
    harness.clock.advance(Duration::from_mins(10));
    harness.booking_tells(requested(booking(1), &car)).await;
    assert_eq!(
        (harness.bookings().await, harness.rows("occupancies").await),
        (1, 1)
    );
    harness.finish().await;
}

#[tokio::test]
async fn booking_requested_for_a_car_that_went_to_another_is_told_so() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.clock.advance(Duration::from_mins(10));
    harness
        .hold(booking(2), &car, ("24T12:00", "24T13:00"))
        .await
        .unwrap();
    // The hold of another may expire: nothing is decided.
    harness.booking_tells(requested(booking(1), &car)).await;
    assert_eq!(harness.told::<VehicleHoldLost>().await, []);
    harness.booking_tells(requested(booking(2), &car)).await;
    harness.booking_tells(requested(booking(1), &car)).await;
    let lost = VehicleHoldLost {
        vehicle_id: car.id.clone(),
        booking_id: booking(1).to_string(),
    };
    assert_eq!(harness.told::<VehicleHoldLost>().await, [lost]);
    // The other one keeps it.
    harness.booking_tells(requested(booking(2), &car)).await;
    assert_eq!(
        (harness.bookings().await, harness.rows("occupancies").await),
        (1, 1)
    );
    harness.finish().await;
}

#[tokio::test]
async fn booking_requested_for_a_car_that_is_gone_is_told_so() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    harness.delete(host, &car).await.unwrap();
    harness.booking_tells(requested(booking(1), &car)).await;
    let lost = VehicleHoldLost {
        vehicle_id: car.id.clone(),
        booking_id: booking(1).to_string(),
    };
    assert_eq!(harness.told::<VehicleHoldLost>().await, [lost]);
    harness.finish().await;
}

/// A hold past its time keeps no car from being withdrawn, so it carries no booking either, swept or not.
#[tokio::test]
async fn booking_requested_on_a_dead_hold_of_a_car_that_is_gone_is_told_so() {
    let harness = Harness::start_with(|config| config.holds.sweep_every = Duration::from_hours(1_200)).await;
    let host = harness.host();
    let car = harness.car(host).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.clock.advance(Duration::from_mins(10));
    harness.delete(host, &car).await.unwrap();
    harness.booking_tells(requested(booking(1), &car)).await;
    let lost = VehicleHoldLost {
        vehicle_id: car.id.clone(),
        booking_id: booking(1).to_string(),
    };
    assert_eq!(harness.told::<VehicleHoldLost>().await, [lost]);
    assert_eq!(harness.bookings().await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn rejected_expired_and_cancelled_bookings_give_the_car_back() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    for number in 1..=3 {
        let id = booking(number);
        harness.hold(id, &car, TUESDAY).await.unwrap();
        harness.booking_tells(requested(id, &car)).await;
        assert_eq!(harness.bookings().await, 1);
        let (booking_id, booking) = (id.to_string(), facts(id, &car, TUESDAY));
        if number == 1 {
            let host_response = None;
            harness
                .booking_tells(BookingRejected {
                    booking_id,
                    booking,
                    host_response,
                })
                .await;
        } else if number == 2 {
            harness
                .booking_tells(BookingExpired { booking_id, booking })
                .await;
        } else {
            harness.booking_tells(cancelled(id, &car)).await;
        }
        assert_eq!(harness.rows("occupancies").await, 0, "{number}");
    }
    harness.finish().await;
}

#[tokio::test]
async fn a_release_that_arrives_before_the_request_wins() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.booking_tells(cancelled(booking(1), &car)).await;
    harness.booking_tells(requested(booking(1), &car)).await;
    assert_eq!(harness.rows("occupancies").await, 0);
    assert_eq!(harness.told::<VehicleHoldLost>().await, []);
    refused(harness.hold(booking(1), &car, TUESDAY).await, Common::Conflict);
    harness.hold(booking(2), &car, TUESDAY).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn a_car_that_comes_back_early_is_free_for_the_rest() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.booking_tells(requested(booking(1), &car)).await;
    harness.clock.set(at("24T12:00"));
    harness
        .booking_tells(BookingCompleted {
            booking_id: booking(1).to_string(),
            booking: None,
        })
        .await;
    refused(
        harness.hold(booking(2), &car, ("24T11:59", "24T14:00")).await,
        ErrorReason::VehicleUnavailable,
    );
    harness
        .hold(booking(2), &car, ("24T12:00", "24T14:00"))
        .await
        .unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn a_car_that_comes_back_late_or_before_its_time_leaves_a_calendar_in_order() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    let completed = |id: Uuid| BookingCompleted {
        booking_id: id.to_string(),
        booking: None,
    };
    // Never begun: nothing of it stays.
    harness.booking_tells(requested(booking(1), &car)).await;
    harness.booking_tells(completed(booking(1))).await;
    assert_eq!(harness.rows("occupancies").await, 0);
    // Over time: what was booked stays as it was.
    harness.booking_tells(requested(booking(2), &car)).await;
    harness.clock.set(at("24T15:00"));
    harness.booking_tells(completed(booking(2))).await;
    let end = at("24T14:00").to_rfc3339();
    let kept = format!("SELECT count(*) AS count FROM occupancies WHERE upper(period) = '{end}'");
    assert_eq!(harness.count(&kept).await, 1);
    harness.finish().await;
}

#[tokio::test]
async fn cars_show_what_is_known_of_their_host() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    let profile = UserProfile {
        id: host.id.to_string(),
        name: "김호스트".into(),
        role: Role::Host.into(),
        profile_image_url: None,
        is_verified: false,
        created_at: stamp("20T12:00"),
    };
    let user_id = host.id.to_string();
    harness
        .auth_tells(UserRegistered {
            user_id: user_id.clone(),
            profile: Some(profile.clone()),
        })
        .await;
    assert_eq!(
        harness.get(host, &car.id).await.unwrap().owner,
        Some(profile.clone())
    );
    let newer = UserProfile {
        name: "이호스트".into(),
        profile_image_url: Some("https://img.carshare.kr/1.png".into()),
        is_verified: true,
        ..profile
    };
    harness
        .auth_tells(UserUpdated {
            user_id,
            profile: Some(newer.clone()),
        })
        .await;
    assert_eq!(harness.get(host, &car.id).await.unwrap().owner, Some(newer));
    harness.finish().await;
}

#[tokio::test]
async fn older_news_of_a_host_that_arrive_late_change_nothing() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    let named = |name: &str| UserUpdated {
        user_id: host.id.to_string(),
        profile: Some(UserProfile {
            id: host.id.to_string(),
            name: name.into(),
            role: Role::Host.into(),
            ..UserProfile::default()
        }),
    };
    harness.auth_tells(named("새 이름")).await;
    harness.clock.set(at("23T08:00"));
    harness.auth_tells(named("옛 이름")).await;
    harness.clock.set(at("23T09:00"));
    let shown = harness.get(host, &car.id).await.unwrap();
    assert_eq!(shown.owner.unwrap().name, "새 이름");
    harness.finish().await;
}
