//! The events of payment and vehicle in every order, each delivered twice and published twice: the end is always legal.

use carshare_proto::booking::v1::*;
use uuid::Uuid;

use crate::bench::*;
use crate::events::Foreign;

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
    let mut bench = Bench::start().await;
    let (guest, host) = (bench.guest(), bench.host());
    let orders = orders(&ALL);
    assert_eq!(orders.len(), 24);
    let mut bookings = Vec::new();
    for _ in &orders {
        let booking = bench.pending(guest, &bench.car(host)).await;
        bookings.push(bench.approve(host, &booking.id).await.unwrap());
    }
    for step in 0..ALL.len() {
        for (order, booking) in orders.iter().zip(&bookings) {
            // Delivered twice, and published once more under an id of its own.
            for salt in [1, 1, 2] {
                bench
                    .tell(booking, order[step], Uuid::from_u128(salt << 100))
                    .await;
            }
        }
        bench.handled("payment").await;
        bench.handled("vehicle").await;
    }
    for (order, booking) in orders.iter().zip(&bookings) {
        check(&bench, guest, order, booking).await;
    }
    bench.finish().await;
}

/// All orders end cancelled, for every one holds a reason to; what is told is told once.
async fn check(bench: &Bench, guest: Person, order: &[Foreign], booking: &Booking) {
    let ended = bench.get(guest, &booking.id).await.unwrap();
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
    let mut told = vec!["booking.requested", "booking.approved"];
    told.extend(confirmed.then_some("booking.confirmed"));
    told.push("booking.cancelled");
    assert_eq!(bench.told(booking).await, told, "{order:?}");
    assert_eq!(ended.confirmed_at.is_some(), confirmed, "{order:?}");
}

#[tokio::test]
async fn a_declined_charge_calls_the_booking_off() {
    let mut bench = Bench::start().await;
    let (guest, host) = (bench.guest(), bench.host());
    let booking = bench.pending(guest, &bench.car(host)).await;
    bench.approve(host, &booking.id).await.unwrap();
    bench.tell(&booking, Foreign::Failed, Uuid::nil()).await;
    bench.handled("payment").await;
    let ended = bench.get(guest, &booking.id).await.unwrap();
    assert_eq!(
        (ended.status(), ended.payment_status()),
        (BookingStatus::Cancelled, PaymentStatus::Failed)
    );
    let told: BookingCancelled = bench.event().await;
    assert_eq!(
        (told.reason(), told.refund_amount),
        (CancellationReason::PaymentFailed, 0)
    );
    assert_eq!(told.payment_status(), PaymentStatus::Failed);
    assert_eq!(
        bench.history(&booking).await.last().unwrap(),
        "approved→cancelled failed by payment"
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_lost_hold_calls_the_booking_off_with_everything_back() {
    let mut bench = Bench::start().await;
    let (guest, host) = (bench.guest(), bench.host());
    let car = bench.car(host);
    let booking = bench.confirmed(guest, host, &car).await;
    bench.tell(&booking, Foreign::HoldLost, Uuid::nil()).await;
    bench.handled("vehicle").await;
    let told: BookingCancelled = bench.event().await;
    assert_eq!(
        (told.reason(), told.refund_amount),
        (CancellationReason::HoldLost, 60_000)
    );
    assert_eq!(
        bench.history(&booking).await.last().unwrap(),
        "approved→cancelled paid by vehicle"
    );
    bench.finish().await;
}

/// The news of a capture and the timer meet: whichever comes first, the other changes nothing it should not.
#[tokio::test]
async fn a_capture_after_the_booking_was_called_off_as_overdue_is_given_back() {
    let mut bench = Bench::start().await;
    let (guest, host) = (bench.guest(), bench.host());
    let booking = bench.pending(guest, &bench.car(host)).await;
    bench.approve(host, &booking.id).await.unwrap();
    bench.clock.set(at("2026-11-22T14:00:20Z"));
    soon(|| async { bench.get(guest, &booking.id).await.unwrap().status() == BookingStatus::Cancelled })
        .await;
    bench.paid(&booking).await;
    let late = bench.get(guest, &booking.id).await.unwrap();
    assert_eq!(
        (late.payment_status(), late.confirmed_at),
        (PaymentStatus::Paid, None)
    );
    assert_eq!(late.cancellation.unwrap().refund_amount, 60_000);
    bench.finish().await;
}
