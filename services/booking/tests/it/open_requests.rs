//! The limit of requests of one guest that wait for an answer or a payment.

use carshare_proto::booking::v1::*;

use crate::harness::*;

#[tokio::test]
async fn create_booking_over_the_limit_is_refused_and_releases_the_car() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    for _ in 0..5 {
        harness.pending(guest, &harness.car(host)).await;
    }
    let car = harness.car(host);
    let refusal = harness.create(guest, input(&car)).await;
    let error = assert_reason(refusal, ErrorReason::TooManyOpenRequests);
    assert_eq!(error.metadata()["limit"], "5");
    wait_until(|| async { harness.vehicle().released.len() == 1 }).await;
    assert_eq!(harness.booking_count().await, 5);
    // Each guest has a limit of their own.
    harness.pending(harness.guest(), &car).await;
    harness.finish().await;
}

#[tokio::test]
async fn answered_and_paid_requests_do_not_count_towards_the_limit() {
    let mut harness = Harness::start_with(|config| config.booking.max_open_requests = 1).await;
    let (guest, host) = (harness.guest(), harness.host());
    let rejected = harness.pending(guest, &harness.car(host)).await;
    harness.reject(host, &rejected.id).await.unwrap();
    let paid = harness.pending(guest, &harness.car(host)).await;
    harness.approve(host, &paid.id).await.unwrap();
    let early = harness.create(guest, input(&harness.car(host))).await;
    assert_reason(early, ErrorReason::TooManyOpenRequests);
    harness.capture(&paid).await;
    harness.pending(guest, &harness.car(host)).await;
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_repeated_with_its_key_does_not_count_itself() {
    let harness = Harness::start_with(|config| config.booking.max_open_requests = 1).await;
    let (guest, car) = (harness.guest(), harness.car(harness.host()));
    let call = || async {
        let request = with_idempotency_key(harness.request(guest, input(&car)), "key-1");
        into_message(harness.client.clone().create_booking(request).await).unwrap()
    };
    assert_eq!(call().await, call().await);
    harness.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_on_two_replicas_stay_within_the_limit() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let requests = (0..20).map(|_| harness.request(guest, input(&harness.car(host))));
    let (accepted, refusals) = harness.create_on_two_replicas(requests.collect()).await;
    assert_eq!((accepted.len(), refusals.len()), (5, 15));
    for refusal in refusals {
        assert_reason::<Booking>(Err(refusal), ErrorReason::TooManyOpenRequests);
    }
    wait_until(|| async { harness.vehicle().released.len() == 15 }).await;
    assert_eq!(harness.booking_count().await, 5);
    harness.finish().await;
}
