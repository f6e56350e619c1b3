//! PostgreSQL is unreachable for a while.

use std::sync::Arc;
use std::time::Duration;

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use uuid::Uuid;

use crate::events::PeerEvent;
use crate::harness::*;

#[tokio::test]
async fn create_booking_without_postgres_is_unavailable_and_releases_the_hold() {
    let (harness, proxy) = Harness::start_behind_proxy().await;
    let guest = harness.guest();
    let car = harness.car(harness.host());
    proxy.cut();
    // The hold of a call with a key is kept for its repeat.
    let request = with_idempotency_key(harness.request(guest, input(&car)), "key-1");
    let error = assert_reason(
        into_message(harness.client.clone().create_booking(request).await),
        Common::Unavailable,
    );
    assert_eq!(error.retry_delay(), Some(Duration::from_secs(1)));
    assert_eq!(harness.vehicle().holds.len(), 1);
    // A call without a key releases its hold: no repeat would use its booking id.
    let other = harness.car(harness.host());
    assert_reason(harness.create(guest, input(&other)).await, Common::Unavailable);
    wait_until(|| async { harness.vehicle().released.len() == 1 }).await;
    assert_eq!(harness.vehicle().holds.len(), 1);
    proxy.heal();
    assert_eq!(harness.booking_count().await, 0);
    harness.pending(guest, &other).await;
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_that_loses_postgres_between_hold_and_insert_is_completed_by_its_repeat() {
    let (harness, proxy) = Harness::start_behind_proxy().await;
    let guest = harness.guest();
    let car = harness.car(harness.host());
    let request = || with_idempotency_key(harness.request(guest, input(&car)), "key-1");
    let proxy = Arc::new(proxy);
    let cutter = Arc::clone(&proxy);
    harness.vehicle().on_placed = Some(Box::new(move || cutter.cut()));
    assert_reason(
        into_message(harness.client.clone().create_booking(request()).await),
        Common::Unavailable,
    );
    assert_eq!(
        (harness.booking_count().await, harness.vehicle().holds.len()),
        (0, 1)
    );
    proxy.heal();
    let booking = into_message(harness.client.clone().create_booking(request()).await).unwrap();
    assert_eq!(
        harness.vehicle().placed,
        [booking.id.as_str(), booking.id.as_str()]
    );
    assert!(harness.vehicle().released.is_empty());
    assert_eq!(harness.events(&booking).await, ["booking.requested"]);
    harness.finish().await;
}

#[tokio::test]
async fn timers_and_events_resume_when_postgres_returns() {
    let (mut harness, proxy) = Harness::start_behind_proxy().await;
    let (guest, host) = (harness.guest(), harness.host());
    let unanswered = harness.pending(guest, &harness.car(host)).await;
    let unpaid = harness.pending(guest, &harness.car(host)).await;
    harness.approve(host, &unpaid.id).await.unwrap();
    proxy.cut();
    harness
        .send_peer_event(&unpaid, PeerEvent::Completed, Uuid::nil())
        .await;
    harness.clock.set(at("2026-11-23T12:00:20Z"));
    proxy.heal();
    // A job that failed meanwhile runs again after its interval.
    wait_until(|| async {
        harness.clock.advance(Duration::from_secs(15));
        let seen = harness.get(guest, &unanswered.id).await;
        seen.is_ok_and(|seen| seen.status() == BookingStatus::Cancelled)
    })
    .await;
    harness.handled("payment").await;
    // Timer and capture are concurrent; either order is legal, and the capture is recorded.
    let ended = harness.get(guest, &unpaid.id).await.unwrap();
    assert_eq!(ended.payment_status(), PaymentStatus::Paid);
    assert_eq!(
        ended.status() == BookingStatus::Approved,
        ended.confirmed_at.is_some()
    );
    harness.finish().await;
}
