//! Many at once: one slot, one key, one booking.

use carshare_proto::booking::v1::*;
use futures::future::join_all;

use crate::harness::*;

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_want_one_slot_exactly_one_gets_it() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host());
    let answers = join_all((0..50).map(|_| harness.create(harness.guest(), input(&car)))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 49));
    for answer in lost {
        refused(answer, ErrorReason::SlotTaken);
    }
    assert_eq!(harness.bookings().await, 1);
    let events: BookingRequested = harness.event().await;
    assert_eq!(events.booking_id, won.into_iter().next().unwrap().unwrap().id);
    harness.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_sent_many_times_at_once_under_one_key_is_one_booking() {
    let harness = Harness::start().await;
    let guest = harness.guest();
    let car = harness.car(harness.host());
    let call = || async {
        let request = keyed(harness.by(guest, input(&car)), "key-1");
        only(harness.client.clone().create_booking(request).await).unwrap()
    };
    let answers = join_all((0..10).map(|_| call())).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(
        (harness.bookings().await, harness.events(&answers[0]).await.len()),
        (1, 1)
    );
    assert!(harness.vehicles.garage().released.is_empty());
    harness.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_answers_one_counts() {
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
