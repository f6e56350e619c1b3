//! Limits of a guest who proves nothing, and of bookings that overlap.

use carshare_proto::booking::v1::*;

use crate::harness::*;

#[tokio::test]
async fn unverified_guest_has_one_open_request_at_a_time() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let first = harness
        .create_unverified(guest, input(&harness.car(host)))
        .await
        .unwrap();
    let refused = harness.create_unverified(guest, input(&harness.car(host))).await;
    let error = assert_reason(refused, ErrorReason::VerificationRequired);
    assert_eq!(error.metadata()["limit"], "1");
    wait_until(|| async { harness.vehicle().released.len() == 1 }).await;
    // An approved request is open until it is paid.
    harness.approve(host, &first.id).await.unwrap();
    let refused = harness.create_unverified(guest, input(&harness.car(host))).await;
    assert_reason(refused, ErrorReason::VerificationRequired);
    harness.capture(&first).await;
    harness
        .create_unverified(guest, input(&harness.car(host)))
        .await
        .unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn verified_address_or_payment_method_lifts_the_limit() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    harness
        .create_unverified(guest, input(&harness.car(host)))
        .await
        .unwrap();
    harness.pending(guest, &harness.car(host)).await;
    let with_card = harness.guest();
    harness.payment().with_card.insert(with_card.id.to_string());
    for _ in 0..5 {
        harness
            .create_unverified(with_card, input(&harness.car(host)))
            .await
            .unwrap();
    }
    let refused = harness
        .create_unverified(with_card, input(&harness.car(host)))
        .await;
    assert_reason(refused, ErrorReason::TooManyOpenRequests);
    harness.finish().await;
}

#[tokio::test]
async fn payment_is_asked_only_about_the_second_request_of_an_unverified_guest() {
    let harness = Harness::start().await;
    harness.payment().is_down = true;
    let (guest, host) = (harness.guest(), harness.host());
    for _ in 0..5 {
        harness.pending(guest, &harness.car(host)).await;
    }
    let unverified = harness.guest();
    harness
        .create_unverified(unverified, input(&harness.car(host)))
        .await
        .unwrap();
    assert_eq!(harness.payment().asked, 0);
    let refused = harness
        .create_unverified(unverified, input(&harness.car(host)))
        .await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::Unavailable);
    wait_until(|| async { harness.vehicle().released.len() == 1 }).await;
    harness.payment().is_down = false;
    let refused = harness
        .create_unverified(unverified, input(&harness.car(host)))
        .await;
    assert_reason(refused, ErrorReason::VerificationRequired);
    harness.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_of_an_unverified_guest_on_two_replicas_leave_one() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let requests = (0..20).map(|_| harness.unverified_request(guest, input(&harness.car(host))));
    let (accepted, refusals) = harness.create_on_two_replicas(requests.collect()).await;
    assert_eq!((accepted.len(), refusals.len()), (1, 19));
    for refusal in refusals {
        assert_reason::<Booking>(Err(refusal), ErrorReason::VerificationRequired);
    }
    harness.finish().await;
}

#[tokio::test]
async fn paid_bookings_count_towards_the_limit_of_overlapping_ones() {
    let mut harness = Harness::start_with(|config| config.booking.max_overlapping_bookings = 2).await;
    let (guest, host) = (harness.guest(), harness.host());
    let paid = harness.pending(guest, &harness.car(host)).await;
    harness.approve(host, &paid.id).await.unwrap();
    harness.capture(&paid).await;
    let pending = harness.pending(guest, &harness.car(host)).await;
    let car = harness.car(host);
    let refused = harness.create(guest, input(&car)).await;
    let error = assert_reason(refused, ErrorReason::TooManyOverlappingBookings);
    assert_eq!(error.metadata()["limit"], "2");
    // From the end of the others on, which is no overlap.
    let later = CreateBookingRequest {
        start_datetime: input(&car).end_datetime,
        end_datetime: Some(timestamp("2026-12-01T20:00:00Z")),
        ..input(&car)
    };
    harness.create(guest, later).await.unwrap();
    harness.cancel(guest, &pending.id).await.unwrap();
    harness.pending(guest, &harness.car(host)).await;
    harness.finish().await;
}
