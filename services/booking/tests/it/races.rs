//! Many at once: one slot, one key, one booking.

use carshare_proto::booking::v1::*;
use futures::future::join_all;

use crate::bench::*;

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_want_one_slot_exactly_one_gets_it() {
    let bench = Bench::start().await;
    let car = bench.car(bench.host());
    let answers = join_all((0..50).map(|_| bench.create(bench.guest(), wish(&car)))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 49));
    for answer in lost {
        refused(answer, ErrorReason::SlotTaken);
    }
    assert_eq!(bench.bookings().await, 1);
    let told: BookingRequested = bench.event().await;
    assert_eq!(told.booking_id, won.into_iter().next().unwrap().unwrap().id);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_sent_many_times_at_once_under_one_key_is_one_booking() {
    let bench = Bench::start().await;
    let guest = bench.guest();
    let car = bench.car(bench.host());
    let call = || async {
        let request = keyed(bench.by(guest, wish(&car)), "key-1");
        only(bench.client.clone().create_booking(request).await).unwrap()
    };
    let answers = join_all((0..10).map(|_| call())).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(
        (bench.bookings().await, bench.told(&answers[0]).await.len()),
        (1, 1)
    );
    assert!(bench.vehicles.garage().released.is_empty());
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_answers_one_counts() {
    let bench = Bench::start().await;
    let (guest, host) = (bench.guest(), bench.host());
    let booking = bench.pending(guest, &bench.car(host)).await;
    let calls = (0..8).map(|n| {
        let (bench, id) = (&bench, &booking.id);
        async move {
            if n % 2 == 0 {
                bench.approve(host, id).await
            } else {
                bench.reject(host, id).await
            }
        }
    });
    let answers = join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(
        (
            bench.told(&booking).await.len(),
            bench.history(&booking).await.len()
        ),
        (2, 2)
    );
    bench.finish().await;
}
