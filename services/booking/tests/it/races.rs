//! Concurrent calls for one slot, under one idempotency key, and on one booking.

use carshare_proto::booking::v1::*;
use futures::future::join_all;

use crate::harness::*;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_concurrent_requests_for_one_slot_create_one_booking() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host());
    let answers = join_all((0..50).map(|_| harness.create(harness.guest(), input(&car)))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 49));
    for answer in lost {
        assert_reason(answer, ErrorReason::SlotTaken);
    }
    assert_eq!(harness.booking_count().await, 1);
    let events: BookingRequested = harness.event().await;
    assert_eq!(events.booking_id, won.into_iter().next().unwrap().unwrap().id);
    harness.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_with_one_key_create_one_booking() {
    let harness = Harness::start().await;
    let guest = harness.guest();
    let car = harness.car(harness.host());
    let call = || async {
        let request = with_idempotency_key(harness.request(guest, input(&car)), "key-1");
        into_message(harness.client.clone().create_booking(request).await).unwrap()
    };
    let answers = join_all((0..10).map(|_| call())).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(
        (
            harness.booking_count().await,
            harness.events(&answers[0]).await.len()
        ),
        (1, 1)
    );
    assert!(harness.vehicle().released.is_empty());
    harness.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_approvals_and_rejections_apply_one() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    let calls = (0..8).map(|n| {
        let (harness, id) = (&harness, &booking.id);
        async move {
            if n % 2 == 0 {
                harness.approve(host, id).await
            } else {
                harness.reject(host, id).await
            }
        }
    });
    let answers = join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(
        (
            harness.events(&booking).await.len(),
            harness.history(&booking).await.len()
        ),
        (2, 2)
    );
    harness.finish().await;
}
