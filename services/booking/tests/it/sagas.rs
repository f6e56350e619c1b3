//! The events of payment and vehicle in every order, each delivered twice and published twice: the end is always legal.

use carshare_proto::booking::v1::*;
use uuid::Uuid;

use crate::events::Foreign;
use crate::harness::*;

const ALL: [Foreign; 4] = [
    Foreign::Completed,
    Foreign::Failed,
    Foreign::Refunded,
    Foreign::HoldLost,
];

fn orders(of: &[Foreign]) -> Vec<Vec<Foreign>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let first_then_rest = |first: &Foreign| {
        let rest: Vec<Foreign> = of.iter().copied().filter(|other| other != first).collect();
        orders(&rest)
            .into_iter()
            .map(move |rest| [vec![*first], rest].concat())
            .collect::<Vec<_>>()
    };
    of.iter().flat_map(first_then_rest).collect()
}

/// Each order on an approved booking of its own, one step of all of them at a time.
#[tokio::test]
async fn whatever_order_events_arrive_in_the_end_is_legal() {
    let mut harness = Harness::start().await;
    let host = harness.host();
    let orders = orders(&ALL);
    assert_eq!(orders.len(), 24);
    let mut bookings = Vec::new();
    for _ in &orders {
        let booking = harness.pending(harness.guest(), &harness.car(host)).await;
        bookings.push(harness.approve(host, &booking.id).await.unwrap());
    }
    for step in 0..ALL.len() {
        for (order, booking) in orders.iter().zip(&bookings) {
            // Delivered twice, and published once more under an id of its own.
            for salt in [1, 1, 2] {
                harness
                    .tell(booking, order[step], Uuid::from_u128(salt << 100))
                    .await;
            }
        }
        harness.handled("payment").await;
        harness.handled("vehicle").await;
    }
    for (order, booking) in orders.iter().zip(&bookings) {
        check(&harness, host, order, booking).await;
    }
    harness.finish().await;
}

/// All orders end cancelled, for every one holds a reason to; what is events is events once.
async fn check(harness: &Harness, host: Person, order: &[Foreign], booking: &Booking) {
    let ended = harness.get(host, &booking.id).await.unwrap();
    assert_eq!(ended.status(), BookingStatus::Cancelled, "{order:?}");
    assert_eq!(ended.payment_status(), PaymentStatus::Refunded, "{order:?}");
    let cancellation = ended.cancellation.unwrap();
    let confirmed = order[0] == Foreign::Completed;
    let reason = match if confirmed {
        order
            .iter()
            .find(|e| matches!(e, Foreign::Refunded | Foreign::HoldLost))
    } else {
        order.first()
    } {
        Some(Foreign::HoldLost) => CancellationReason::HoldLost,
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
async fn a_declined_charge_calls_the_booking_off() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    harness.approve(host, &booking.id).await.unwrap();
    harness.tell(&booking, Foreign::Failed, Uuid::nil()).await;
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
async fn a_lost_hold_calls_the_booking_off_with_everything_back() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    harness.tell(&booking, Foreign::HoldLost, Uuid::nil()).await;
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

/// The news of a capture and the timer meet: whichever comes first, the other changes nothing it should not.
#[tokio::test]
async fn a_capture_after_the_booking_was_called_off_as_overdue_is_given_back() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    harness.approve(host, &booking.id).await.unwrap();
    harness.clock.set(at("2026-11-22T14:00:20Z"));
    soon(|| async { harness.get(guest, &booking.id).await.unwrap().status() == BookingStatus::Cancelled })
        .await;
    harness.paid(&booking).await;
    let late = harness.get(guest, &booking.id).await.unwrap();
    assert_eq!(
        (late.payment_status(), late.confirmed_at),
        (PaymentStatus::Paid, None)
    );
    assert_eq!(late.cancellation.unwrap().refund_amount, 60_000);
    harness.finish().await;
}
