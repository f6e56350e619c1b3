//! `CreateBooking` that fails after the hold was placed: lost replies, cancelled calls and failed inserts.

use std::time::Duration;

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use tonic::Code;

use crate::harness::*;
use crate::vehicle_stub::Replies;

#[tokio::test]
async fn create_booking_without_a_key_releases_the_hold_when_the_reply_is_lost() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host());
    harness.vehicle().replies = Replies::Lost;
    assert_reason(
        harness.create(harness.guest(), input(&car)).await,
        Common::Unavailable,
    );
    wait_until(|| async { !harness.vehicle().released.is_empty() }).await;
    harness.vehicle().replies = Replies::Delivered;
    harness.pending(harness.guest(), &car).await;
    assert_eq!(harness.booking_count().await, 1);
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_with_a_key_keeps_the_hold_when_the_reply_is_lost() {
    let harness = Harness::start().await;
    let guest = harness.guest();
    let car = harness.car(harness.host());
    let request = || with_idempotency_key(harness.request(guest, input(&car)), "key-1");
    harness.vehicle().replies = Replies::Lost;
    assert_reason(
        into_message(harness.client.clone().create_booking(request()).await),
        Common::Unavailable,
    );
    harness.vehicle().replies = Replies::Delivered;
    // Another guest finds the slot taken; the repeat finds its own hold.
    assert_reason(
        harness.create(harness.guest(), input(&car)).await,
        ErrorReason::SlotTaken,
    );
    let booking = into_message(harness.client.clone().create_booking(request()).await).unwrap();
    let mut own = harness.vehicle().placed.clone();
    own.retain(|id| *id == booking.id);
    assert!(own.len() >= 2, "every attempt uses the same booking id");
    assert!(harness.vehicle().released.is_empty());
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_cancelled_between_hold_and_insert_is_completed_by_its_repeat() {
    let harness = Harness::start().await;
    let guest = harness.guest();
    let car = harness.car(harness.host());
    let request = || with_idempotency_key(harness.request(guest, input(&car)), "key-1");
    harness.vehicle().replies = Replies::Withheld;
    let mut client = harness.client.clone();
    tokio::select! {
        _ = client.create_booking(request()) => panic!("vehicle has not replied"),
        () = wait_until(|| async { harness.vehicle().holds.len() == 1 }) => {}
    }
    assert_eq!(harness.booking_count().await, 0);
    harness.vehicle().replies = Replies::Delivered;
    let booking = into_message(harness.client.clone().create_booking(request()).await).unwrap();
    assert_eq!(harness.vehicle().placed, [booking.id.clone(), booking.id.clone()]);
    assert_eq!(
        (harness.booking_count().await, harness.events(&booking).await),
        (1, vec!["booking.requested".to_owned()])
    );
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_that_cannot_be_stored_releases_the_hold() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host());
    harness.vehicle().cars.get_mut(&car.id).unwrap().hourly_rate = 0;
    assert_reason(
        harness.create(harness.guest(), input(&car)).await,
        Common::Internal,
    );
    wait_until(|| async { harness.vehicle().holds.is_empty() }).await;
    // A check constraint of the table: the guest is not the host.
    let guest = harness.guest();
    let own = harness.car(guest);
    assert_reason(harness.create(guest, input(&own)).await, Common::Internal);
    wait_until(|| async { harness.vehicle().released.len() == 2 }).await;
    assert_eq!(harness.booking_count().await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_without_a_reply_of_vehicle_ends_at_its_deadline() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host());
    harness.vehicle().replies = Replies::Withheld;
    let mut request = harness.request(harness.guest(), input(&car));
    request.set_timeout(Duration::from_millis(300));
    let late = into_message(harness.client.clone().create_booking(request).await).unwrap_err();
    assert!(
        matches!(late.code(), Code::DeadlineExceeded | Code::Cancelled),
        "{late:?}"
    );
    wait_until(|| async { harness.vehicle().holds.is_empty() }).await;
    assert_eq!(harness.booking_count().await, 0);
    harness.finish().await;
}
