//! PostgreSQL goes away in the worst moments, and comes back.

use std::sync::Arc;
use std::time::Duration;

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;

use crate::bench::*;

#[tokio::test]
async fn create_booking_is_unavailable_while_postgres_is_away() {
    let (bench, wire) = Bench::start_cuttable().await;
    let guest = bench.guest();
    let car = bench.car(bench.host());
    wire.cut();
    // A keyed call is looked up first and gets no further.
    let keyed = keyed(bench.by(guest, wish(&car)), "key-1");
    let error = refused(
        only(bench.client.clone().create_booking(keyed).await),
        Common::Unavailable,
    );
    assert_eq!(error.retry_delay(), Some(Duration::from_secs(1)));
    assert!(bench.vehicles.garage().placed.is_empty());
    // One without a key held the car, and gives it back: nobody will ask for it under that id again.
    refused(bench.create(guest, wish(&car)).await, Common::Unavailable);
    soon(|| async { bench.vehicles.garage().released.len() == 1 }).await;
    assert!(bench.vehicles.garage().holds.is_empty());
    wire.heal();
    assert_eq!(bench.bookings().await, 0);
    bench.pending(guest, &car).await;
    bench.finish().await;
}

#[tokio::test]
async fn create_booking_that_loses_postgres_between_hold_and_insert_is_finished_by_its_repeat() {
    let (bench, wire) = Bench::start_cuttable().await;
    let guest = bench.guest();
    let car = bench.car(bench.host());
    let again = || keyed(bench.by(guest, wish(&car)), "key-1");
    let wire = Arc::new(wire);
    let cutter = Arc::clone(&wire);
    bench.vehicles.garage().meanwhile = Some(Box::new(move || cutter.cut()));
    refused(
        only(bench.client.clone().create_booking(again()).await),
        Common::Unavailable,
    );
    assert_eq!(
        (bench.bookings().await, bench.vehicles.garage().holds.len()),
        (0, 1)
    );
    wire.heal();
    let booking = only(bench.client.clone().create_booking(again()).await).unwrap();
    assert_eq!(
        bench.vehicles.garage().placed,
        [booking.id.as_str(), booking.id.as_str()]
    );
    assert!(bench.vehicles.garage().released.is_empty());
    assert_eq!(bench.told(&booking).await, ["booking.requested"]);
    bench.finish().await;
}

#[tokio::test]
async fn timers_and_events_go_on_when_postgres_is_back() {
    let (mut bench, wire) = Bench::start_cuttable().await;
    let (guest, host) = (bench.guest(), bench.host());
    let unanswered = bench.pending(guest, &bench.car(host)).await;
    let unpaid = bench.pending(guest, &bench.car(host)).await;
    bench.approve(host, &unpaid.id).await.unwrap();
    wire.cut();
    bench
        .tell(&unpaid, crate::events::Foreign::Completed, uuid::Uuid::nil())
        .await;
    bench.clock.set(at("2026-11-23T12:00:20Z"));
    wire.heal();
    // A job that failed in between comes again a little later.
    soon(|| async {
        bench.clock.advance(Duration::from_secs(15));
        let seen = bench.get(guest, &unanswered.id).await;
        seen.is_ok_and(|seen| seen.status() == BookingStatus::Cancelled)
    })
    .await;
    bench.handled("payment").await;
    // The timer and the capture met; either order is legal, and the money is known.
    let met = bench.get(guest, &unpaid.id).await.unwrap();
    assert_eq!(met.payment_status(), PaymentStatus::Paid);
    assert_eq!(
        met.status() == BookingStatus::Approved,
        met.confirmed_at.is_some()
    );
    bench.finish().await;
}
