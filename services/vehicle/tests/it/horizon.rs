//! How far ahead cars are found and held: search and holds refuse the same periods.

use std::time::Duration;

use carshare_proto::booking::v1::ErrorReason as Booking;

use crate::harness::calls::{booking, near_gangnam};
use crate::harness::{Harness, assert_reason};

#[tokio::test]
async fn period_that_ends_after_the_horizon_is_neither_found_nor_held() {
    let harness = Harness::start_with(|config| config.calendar.horizon = Duration::from_hours(48)).await;
    let car = harness.car(harness.host()).await;
    // The clock is at 09:00 on the 23rd.
    for late in [("25T08:00", "25T09:01"), ("26T10:00", "26T12:00")] {
        let refused = harness.search(near_gangnam(late)).await;
        assert_reason(refused, Booking::TooFarAhead);
        let refused = harness.hold(booking(1), &car, late).await;
        let error = assert_reason(refused, Booking::TooFarAhead);
        assert_eq!(error.metadata()["days"], "2");
    }
    let last = ("25T08:00", "25T09:00");
    assert_eq!(harness.search_ids(near_gangnam(last)).await.len(), 1);
    harness.hold(booking(1), &car, last).await.unwrap();
    harness.finish().await;
}
