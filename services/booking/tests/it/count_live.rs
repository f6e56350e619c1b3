//! The numbers of live bookings by state, as the gauges show them.

use carshare_booking::store::bookings::count_live;

use crate::harness::*;

#[tokio::test]
async fn live_bookings_are_counted_by_state() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let none = [
        ("pending", 0),
        ("awaiting_payment", 0),
        ("confirmed", 0),
        ("active", 0),
    ];
    assert_eq!(count_live(harness.db.conn()).await.unwrap(), none);

    harness.pending(guest, &harness.car(host)).await;
    for _ in 0..2 {
        let approved = harness.pending(harness.guest(), &harness.car(host)).await;
        harness.approve(host, &approved.id).await.unwrap();
    }
    let car = harness.car(host);
    harness.confirmed(harness.guest(), host, &car).await;
    let ended = harness.pending(guest, &harness.car(host)).await;
    harness.cancel(guest, &ended.id).await.unwrap();
    let counted = [
        ("pending", 1),
        ("awaiting_payment", 2),
        ("confirmed", 1),
        ("active", 0),
    ];
    assert_eq!(count_live(harness.db.conn()).await.unwrap(), counted);

    let renter = harness.guest();
    let car = harness.car(host);
    let active = harness.confirmed(renter, host, &car).await;
    harness.clock.set(at("2026-12-01T08:30:00Z"));
    harness.start_booking(renter, &active.id).await.unwrap();
    let counted = count_live(harness.db.conn()).await.unwrap();
    assert_eq!(counted[3], ("active", 1));
    harness.finish().await;
}
