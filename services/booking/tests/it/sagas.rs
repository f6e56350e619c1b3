//! Events of payment and vehicle in every order, each delivered twice and published twice.

use carshare_proto::booking::v1::*;
use uuid::Uuid;

use crate::events::PeerEvent;
use crate::harness::*;

const ALL: [PeerEvent; 4] = [
    PeerEvent::Completed,
    PeerEvent::Failed,
    PeerEvent::Refunded,
    PeerEvent::HoldLost,
];

fn permutations(of: &[PeerEvent]) -> Vec<Vec<PeerEvent>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let first_then_rest = |first: &PeerEvent| {
        let rest: Vec<PeerEvent> = of.iter().copied().filter(|other| other != first).collect();
        permutations(&rest)
            .into_iter()
            .map(move |rest| [vec![*first], rest].concat())
            .collect::<Vec<_>>()
    };
    of.iter().flat_map(first_then_rest).collect()
}

/// Each order has an approved booking of its own. Step by step, the next event of every order is sent.
#[tokio::test]
async fn events_in_any_order_end_in_a_legal_state() {
    let mut harness = Harness::start().await;
    let host = harness.host();
    let orders = permutations(&ALL);
    assert_eq!(orders.len(), 24);
    let mut bookings = Vec::new();
    for _ in &orders {
        let booking = harness.pending(harness.guest(), &harness.car(host)).await;
        bookings.push(harness.approve(host, &booking.id).await.unwrap());
    }
    for step in 0..ALL.len() {
        for (order, booking) in orders.iter().zip(&bookings) {
            // Delivered twice, and published again with another id.
            for salt in [1, 1, 2] {
                harness
                    .send_peer_event(booking, order[step], Uuid::from_u128(salt << 100))
                    .await;
            }
        }
        harness.handled("payment").await;
        harness.handled("vehicle").await;
    }
    for (order, booking) in orders.iter().zip(&bookings) {
        assert_cancelled(&harness, host, order, booking).await;
    }
    harness.finish().await;
}

/// Every order contains a reason to cancel, so that all end cancelled; each event is published once.
async fn assert_cancelled(harness: &Harness, host: Person, order: &[PeerEvent], booking: &Booking) {
    let ended = harness.get(host, &booking.id).await.unwrap();
    assert_eq!(ended.status(), BookingStatus::Cancelled, "{order:?}");
    assert_eq!(ended.payment_status(), PaymentStatus::Refunded, "{order:?}");
    let cancellation = ended.cancellation.unwrap();
    let confirmed = order[0] == PeerEvent::Completed;
    let reason = match if confirmed {
        order
            .iter()
            .find(|e| matches!(e, PeerEvent::Refunded | PeerEvent::HoldLost))
    } else {
        order.first()
    } {
        Some(PeerEvent::HoldLost) => CancellationReason::HoldLost,
        _ => CancellationReason::PaymentFailed,
    };
    assert_eq!(cancellation.reason(), reason, "{order:?}");
    let mut events = vec!["booking.requested", "booking.approved"];
    events.extend(confirmed.then_some("booking.confirmed"));
    events.push("booking.cancelled");
    assert_eq!(harness.events(booking).await, events, "{order:?}");
    assert_eq!(ended.confirmed_at.is_some(), confirmed, "{order:?}");
}

#[tokio::test]
async fn declined_charge_cancels_the_booking() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    harness.approve(host, &booking.id).await.unwrap();
    harness
        .send_peer_event(&booking, PeerEvent::Failed, Uuid::nil())
        .await;
    harness.handled("payment").await;
    let ended = harness.get(guest, &booking.id).await.unwrap();
    assert_eq!(
        (ended.status(), ended.payment_status()),
        (BookingStatus::Cancelled, PaymentStatus::Failed)
    );
    let events: BookingCancelled = harness.event().await;
    assert_eq!(
        (events.reason(), events.refund_amount),
        (CancellationReason::PaymentFailed, 0)
    );
    assert_eq!(events.payment_status(), PaymentStatus::Failed);
    assert_eq!(
        harness.history(&booking).await.last().unwrap(),
        "approved→cancelled failed by payment"
    );
    harness.finish().await;
}

#[tokio::test]
async fn lost_hold_cancels_the_booking_with_a_full_refund() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    harness
        .send_peer_event(&booking, PeerEvent::HoldLost, Uuid::nil())
        .await;
    harness.handled("vehicle").await;
    let events: BookingCancelled = harness.event().await;
    assert_eq!(
        (events.reason(), events.refund_amount),
        (CancellationReason::HoldLost, 60_000)
    );
    assert_eq!(
        harness.history(&booking).await.last().unwrap(),
        "approved→cancelled paid by vehicle"
    );
    harness.finish().await;
}

#[tokio::test]
async fn capture_after_an_overdue_cancellation_is_refunded() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    harness.approve(host, &booking.id).await.unwrap();
    harness.clock.set(at("2026-11-22T14:00:20Z"));
    wait_until(|| async {
        harness.get(guest, &booking.id).await.unwrap().status() == BookingStatus::Cancelled
    })
    .await;
    harness.capture(&booking).await;
    let late = harness.get(guest, &booking.id).await.unwrap();
    assert_eq!(
        (late.payment_status(), late.confirmed_at),
        (PaymentStatus::Paid, None)
    );
    assert_eq!(late.cancellation.unwrap().refund_amount, 60_000);
    harness.finish().await;
}
