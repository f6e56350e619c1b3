//! Events of changes of bookings: the calendar follows them, whatever their order and repetition.

use std::time::Duration;

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::{Vehicle, VehicleHoldLost};
use uuid::Uuid;

use crate::harness::calls::{Period, booking, facts};
use crate::harness::{Harness, assert_reason, timestamp};
use crate::search::TUESDAY;

/// The two hours after [`TUESDAY`].
pub const ADDED: Period = ("24T14:00", "24T16:00");
pub const LONGER: Period = ("24T10:00", "24T16:00");
pub const SHORTER: Period = ("24T10:00", "24T12:00");

/// Returns the id of the change `number`.
pub fn change(number: u128) -> Uuid {
    Uuid::from_u128(1_000 + number)
}

/// Returns the facts of a change to another end of [`TUESDAY`], or to another car.
#[expect(clippy::unnecessary_wraps, reason = "message fields are optional")]
pub fn change_facts(
    id: Uuid,
    kind: BookingChangeKind,
    car: &Vehicle,
    end: &'static str,
) -> Option<BookingChangeFacts> {
    Some(BookingChangeFacts {
        change: Some(BookingChange {
            id: id.to_string(),
            kind: kind.into(),
            end_datetime: timestamp(end),
            previous_end_datetime: timestamp(TUESDAY.1),
            vehicle_id: car.id.clone(),
            ..BookingChange::default()
        }),
        vehicle_title: String::new(),
    })
}

/// An extension of booking 1 by [`ADDED`].
pub fn accepted(id: Uuid, car: &Vehicle) -> BookingChangeAccepted {
    BookingChangeAccepted {
        booking_id: booking(1).to_string(),
        booking: facts(booking(1), car, TUESDAY),
        change: change_facts(id, BookingChangeKind::Extension, car, ADDED.1),
    }
}

pub fn applied(of: Uuid, id: Uuid, car: &Vehicle, period: Period) -> BookingChangeApplied {
    BookingChangeApplied {
        booking_id: of.to_string(),
        booking: facts(of, car, period),
        change: change_facts(id, BookingChangeKind::Extension, car, period.1),
        refunds: Vec::new(),
    }
}

pub fn closed(id: Uuid, car: &Vehicle) -> BookingChangeClosed {
    BookingChangeClosed {
        booking_id: booking(1).to_string(),
        booking: facts(booking(1), car, TUESDAY),
        change: change_facts(id, BookingChangeKind::Extension, car, ADDED.1),
    }
}

pub fn cancelled(car: &Vehicle, period: Period) -> BookingCancelled {
    BookingCancelled {
        booking_id: booking(1).to_string(),
        booking: facts(booking(1), car, period),
        ..BookingCancelled::default()
    }
}

impl Harness {
    /// Returns a car that booking 1 has on [`TUESDAY`].
    pub async fn booked_car(&self) -> Vehicle {
        let car = self.car(self.host()).await;
        self.confirm(booking(1), &car, TUESDAY).await.unwrap();
        car
    }

    /// Returns every occupancy: `1 booking 24T10:00–24T14:00`, with the number of the booking or change.
    pub async fn calendar(&self, car: &Vehicle) -> Vec<String> {
        let time =
            |bound: &str| format!("to_char({bound}(period) AT TIME ZONE 'Asia/Seoul', 'DD\"T\"HH24:MI')");
        let sql = format!(
            "SELECT ltrim(right(replace(ref_id::text, '-', ''), 4), '0') || ' ' || kind || ' ' || {} || '–' || {} AS line \
             FROM occupancies WHERE vehicle_id = '{}' ORDER BY period",
            time("lower"),
            time("upper"),
            car.id
        );
        self.lines(&sql).await
    }

    pub async fn assert_lost(&self, of: Uuid, car: &Vehicle) {
        let lost = VehicleHoldLost {
            vehicle_id: car.id.clone(),
            booking_id: of.to_string(),
        };
        assert_eq!(self.events::<VehicleHoldLost>().await, [lost]);
    }
}

#[tokio::test]
async fn accepted_extension_makes_its_hold_permanent() {
    let harness = Harness::start().await;
    let car = harness.booked_car().await;
    harness.hold(change(1), &car, ADDED).await.unwrap();
    for _ in 0..2 {
        harness.publish_from_booking(accepted(change(1), &car)).await;
    }
    harness.clock.advance(Duration::from_hours(1));
    assert_eq!(
        harness.calendar(&car).await,
        ["1 booking 24T10:00–24T14:00", "3e9 booking 24T14:00–24T16:00"]
    );
    assert_eq!(harness.events::<VehicleHoldLost>().await, []);
    harness.finish().await;
}

#[tokio::test]
async fn accepted_extension_without_a_hold_takes_the_time_or_loses_it() {
    let harness = Harness::start().await;
    let car = harness.booked_car().await;
    harness.publish_from_booking(accepted(change(1), &car)).await;
    assert_eq!(harness.booking_count().await, 2);
    harness.publish_from_booking(closed(change(1), &car)).await;
    harness.confirm(booking(2), &car, ADDED).await.unwrap();
    harness.publish_from_booking(accepted(change(2), &car)).await;
    harness.assert_lost(change(2), &car).await;
    assert_eq!(harness.booking_count().await, 2);
    harness.finish().await;
}

#[tokio::test]
async fn accepted_change_that_needs_no_time_changes_nothing() {
    let harness = Harness::start().await;
    let car = harness.booked_car().await;
    let shortening = BookingChangeAccepted {
        change: change_facts(change(1), BookingChangeKind::Shortening, &car, SHORTER.1),
        ..accepted(change(1), &car)
    };
    harness.publish_from_booking(shortening).await;
    assert_eq!(harness.calendar(&car).await, ["1 booking 24T10:00–24T14:00"]);
    harness.finish().await;
}

#[tokio::test]
async fn accepted_swap_confirms_the_other_car_for_the_whole_period() {
    let harness = Harness::start().await;
    let car = harness.booked_car().await;
    let other = harness.car(harness.host()).await;
    let swap = BookingChangeAccepted {
        change: change_facts(change(1), BookingChangeKind::VehicleSwap, &other, TUESDAY.1),
        ..accepted(change(1), &car)
    };
    harness.publish_from_booking(swap).await;
    assert_eq!(harness.calendar(&other).await, ["3e9 booking 24T10:00–24T14:00"]);
    harness.finish().await;
}

#[tokio::test]
async fn closed_change_releases_what_it_held_for_good() {
    let harness = Harness::start().await;
    let car = harness.booked_car().await;
    harness.hold(change(1), &car, ADDED).await.unwrap();
    harness.publish_from_booking(accepted(change(1), &car)).await;
    harness.publish_from_booking(closed(change(1), &car)).await;
    assert_eq!(harness.calendar(&car).await, ["1 booking 24T10:00–24T14:00"]);
    assert_reason(harness.hold(change(1), &car, ADDED).await, Common::Conflict);
    harness.publish_from_booking(accepted(change(1), &car)).await;
    assert_eq!(harness.calendar(&car).await, ["1 booking 24T10:00–24T14:00"]);
    harness.hold(booking(2), &car, ADDED).await.unwrap();
    harness.finish().await;
}
