//! Bookings of cars that are offered without asking: approved at once.

use carshare_proto::booking::v1::*;

use crate::harness::*;

#[tokio::test]
async fn booking_of_an_instant_car_is_approved_at_once() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.instant_car(host)).await;
    assert_eq!(
        (booking.status(), booking.payment_status()),
        (BookingStatus::Approved, PaymentStatus::Pending)
    );
    assert_eq!(booking.payment_due_at, Some(timestamp("2026-11-22T14:00:00Z")));
    assert_eq!(harness.get(guest, &booking.id).await.unwrap(), booking);
    assert_eq!(
        harness.events(&booking).await,
        ["booking.requested", "booking.approved"]
    );
    let requested: BookingRequested = harness.event().await;
    assert!(requested.instant_book);
    assert_eq!(
        harness.history(&booking).await,
        ["→pending none by guest", "pending→approved pending by host"]
    );
    let reasons = "SELECT count(*) AS count FROM status_history WHERE reason = 'instant_book'";
    assert_eq!(harness.count(reasons).await, 1);
    // The hold becomes permanent without waiting for the event.
    wait_until(|| async { harness.vehicle().confirmed == [booking.id.clone()] }).await;
    harness.capture(&booking).await;
    let confirmed = harness.get(guest, &booking.id).await.unwrap();
    assert_eq!(confirmed.payment_status(), PaymentStatus::Paid);
    assert_wrong_state(harness.reject(host, &booking.id).await, "approved", "rejected");
    harness.finish().await;
}

#[tokio::test]
async fn repeated_request_of_an_instant_car_has_the_same_reply() {
    let harness = Harness::start().await;
    let (guest, car) = (harness.guest(), harness.instant_car(harness.host()));
    let create = async || {
        let request = with_idempotency_key(harness.request(guest, input(&car)), "key-1");
        into_message(harness.client.clone().create_booking(request).await).unwrap()
    };
    let first = create().await;
    assert_eq!(create().await, first);
    assert_eq!(harness.booking_count().await, 1);
    harness.finish().await;
}

#[tokio::test]
async fn instant_booking_that_loses_its_car_is_cancelled() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    harness.vehicle().confirm_refusal = Some(carshare_proto::vehicle::v1::ErrorReason::VehicleHoldLost);
    let booking = harness.pending(guest, &harness.instant_car(host)).await;
    wait_until(|| async {
        harness.get(guest, &booking.id).await.unwrap().status() == BookingStatus::Cancelled
    })
    .await;
    let cancelled = harness.get(guest, &booking.id).await.unwrap();
    assert_eq!(
        cancelled.cancellation.unwrap().reason(),
        CancellationReason::HoldLost
    );
    harness.finish().await;
}

#[tokio::test]
async fn of_two_instant_bookings_of_a_period_one_is_refused() {
    let harness = Harness::start().await;
    let car = harness.instant_car(harness.host());
    let requests = (0..6).map(|_| harness.request(harness.guest(), input(&car)));
    let (accepted, refused) = harness.create_on_two_replicas(requests.collect()).await;
    assert_eq!((accepted.len(), refused.len()), (1, 5));
    for status in refused {
        assert_reason(Err::<(), _>(status), ErrorReason::SlotTaken);
    }
    harness.finish().await;
}
