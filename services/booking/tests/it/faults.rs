//! PostgreSQL goes away in the worst moments, and comes back.

use std::sync::Arc;
use std::time::Duration;

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;

use crate::harness::*;

#[tokio::test]
async fn create_booking_is_unavailable_while_postgres_is_away() {
    let (harness, wire) = Harness::start_cuttable().await;
    let guest = harness.guest();
    let car = harness.car(harness.host());
    wire.cut();
    // A keyed call is looked up first and gets no further.
    let keyed = keyed(harness.by(guest, input(&car)), "key-1");
    let error = refused(
        only(harness.client.clone().create_booking(keyed).await),
        Common::Unavailable,
    );
    assert_eq!(error.retry_delay(), Some(Duration::from_secs(1)));
    assert!(harness.vehicles.garage().placed.is_empty());
    // One without a key held the car, and gives it back: nobody will ask for it under that id again.
    refused(harness.create(guest, input(&car)).await, Common::Unavailable);
    soon(|| async { harness.vehicles.garage().released.len() == 1 }).await;
    assert!(harness.vehicles.garage().holds.is_empty());
    wire.heal();
    assert_eq!(harness.bookings().await, 0);
    harness.pending(guest, &car).await;
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_that_loses_postgres_between_hold_and_insert_is_finished_by_its_repeat() {
    let (harness, wire) = Harness::start_cuttable().await;
    let guest = harness.guest();
    let car = harness.car(harness.host());
    let again = || keyed(harness.by(guest, input(&car)), "key-1");
    let wire = Arc::new(wire);
    let cutter = Arc::clone(&wire);
    harness.vehicles.garage().meanwhile = Some(Box::new(move || cutter.cut()));
    refused(
        only(harness.client.clone().create_booking(again()).await),
        Common::Unavailable,
    );
    assert_eq!(
        (harness.bookings().await, harness.vehicles.garage().holds.len()),
        (0, 1)
    );
    wire.heal();
    let booking = only(harness.client.clone().create_booking(again()).await).unwrap();
    assert_eq!(
        harness.vehicles.garage().placed,
        [booking.id.as_str(), booking.id.as_str()]
    );
    assert!(harness.vehicles.garage().released.is_empty());
    assert_eq!(harness.events(&booking).await, ["booking.requested"]);
    harness.finish().await;
}

#[tokio::test]
async fn timers_and_events_go_on_when_postgres_is_back() {
    let (mut harness, wire) = Harness::start_cuttable().await;
    let (guest, host) = (harness.guest(), harness.host());
    let unanswered = harness.pending(guest, &harness.car(host)).await;
    let unpaid = harness.pending(guest, &harness.car(host)).await;
    harness.approve(host, &unpaid.id).await.unwrap();
    wire.cut();
    harness
        .tell(&unpaid, crate::events::Foreign::Completed, uuid::Uuid::nil())
        .await;
    harness.clock.set(at("2026-11-23T12:00:20Z"));
    wire.heal();
    // A job that failed in between comes again a little later.
    soon(|| async {
        harness.clock.advance(Duration::from_secs(15));
        let seen = harness.get(guest, &unanswered.id).await;
        seen.is_ok_and(|seen| seen.status() == BookingStatus::Cancelled)
    })
    .await;
    harness.handled("payment").await;
    // The timer and the capture met; either order is legal, and the money is known.
    let met = harness.get(guest, &unpaid.id).await.unwrap();
    assert_eq!(met.payment_status(), PaymentStatus::Paid);
    assert_eq!(
        met.status() == BookingStatus::Approved,
        met.confirmed_at.is_some()
    );
    harness.finish().await;
}
