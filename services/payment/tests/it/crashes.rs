//! The process dies between any two steps. Another one finds what is written down, asks, and goes on.

use carshare_proto::booking::v1::PaymentStatus as Known;
use carshare_proto::payment::v1::*;
use rstest::rstest;

use crate::bench::*;
use crate::instance::Instance;
use crate::staged::{Place, Verb};

#[rstest]
#[case::between_the_attempts_row_and_the_call(Place::Before, 2)]
#[case::between_the_call_and_the_commit(Place::After, 1)]
#[tokio::test]
async fn a_crash_around_a_charge_leaves_one_charge(#[case] place: Place, #[case] posts_at_most: usize) {
    let mut bench = Bench::start().await;
    let guest = bench.guest_with(GOOD_CARD).await;
    bench.instance.provider.stop(Verb::Charge, place);
    let booking = bench.approved(guest).await;
    bench.instance.provider.stopped().await;
    bench.crash_and_restart().await;
    let row = bench.pass_time_until(&booking, "completed").await;

    assert_eq!(bench.only_capture().total_amount, PRICE);
    assert_eq!(bench.attempts(&row).await, ["billing captured"]);
    assert!(bench.asked("/v1/billing/bsbx") <= posts_at_most);
    assert_eq!(bench.told(&booking).await, ["payment.completed"]);
    bench.finish().await;
}

/// As when the client's process and ours die at once: what came of the window is written down.
#[rstest]
#[case::before(Place::Before)]
#[case::after(Place::After)]
#[tokio::test]
async fn a_crash_around_a_confirmation_leaves_one_charge(#[case] place: Place) {
    let mut bench = Bench::start().await;
    let guest = bench.person("guest");
    let booking = bench.approved(guest).await;
    let row = bench.until(&booking, "requested").await;
    let payment_key = bench.pay_in_window(&row.order_id, PRICE, GOOD_CARD).await;
    let request = ProcessPaymentRequest {
        booking_id: booking.id.clone(),
        payment_key,
        order_id: row.order_id.clone(),
        amount: PRICE,
    };
    bench.instance.provider.stop(Verb::Confirm, place);
    let (call, mut client) = (bench.by(guest, request.clone()), bench.client.clone());
    let asking = carshare_chassis::task::spawn("client", async move { client.process_payment(call).await });
    bench.instance.provider.stopped().await;
    bench.crash_and_restart().await;
    assert!(asking.await.unwrap().is_err());
    let row = bench.pass_time_until(&booking, "completed").await;

    assert_eq!(bench.attempts(&row).await, ["window captured"]);
    assert_eq!(bench.only_capture().total_amount, PRICE);
    assert_eq!(
        bench.process(guest, request).await.unwrap().status(),
        PaymentStatus::Completed
    );
    bench.finish().await;
}

#[rstest]
#[case::before(Place::Before)]
#[case::after(Place::After)]
#[tokio::test]
async fn a_crash_around_a_refund_gives_back_once(#[case] place: Place) {
    let mut bench = Bench::start().await;
    let booking = bench.approved(bench.guest_with(GOOD_CARD).await).await;
    bench.until(&booking, "completed").await;
    bench.instance.provider.stop(Verb::Cancel, place);
    bench.cancel(&booking, 15_000, Known::Paid).await;
    bench.instance.provider.stopped().await;
    bench.crash_and_restart().await;
    let row = bench.pass_time_until(&booking, "refunded").await;

    assert_eq!(
        (row.refunded_krw, bench.only_capture().balance_amount),
        (15_000, 30_000)
    );
    assert_eq!(
        bench.told(&booking).await,
        ["payment.completed", "payment.refunded"]
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_crash_while_asking_about_a_charge_changes_nothing() {
    let mut bench = Bench::start().await;
    let guest = bench.guest_with(GOOD_CARD).await;
    bench.instance.provider.stop(Verb::Charge, Place::After);
    let booking = bench.approved(guest).await;
    bench.instance.provider.stopped().await;
    bench.crash_and_restart().await;
    bench.instance.provider.stop(Verb::Find, Place::After);
    bench.clock.advance(std::time::Duration::from_secs(15));
    bench.instance.provider.stopped().await;
    bench.crash_and_restart().await;
    bench.pass_time_until(&booking, "completed").await;
    assert_eq!(bench.asked("/v1/billing/bsbx"), 1);
    bench.finish().await;
}

#[tokio::test]
async fn two_replicas_share_the_work_and_nothing_is_done_twice() {
    let bench = Bench::start().await;
    let other = Instance::start(&bench.config, &bench.environment).await;
    let guest = bench.guest_with(GOOD_CARD).await;
    let bookings: Vec<Booking> = (0..20).map(|_| bench.booking(guest)).collect();
    for booking in &bookings {
        bench.send(bench.approval(booking)).await;
    }
    for booking in &bookings {
        bench.pass_time_until(booking, "completed").await;
    }
    assert_eq!(
        (bench.captured().len(), bench.asked("/v1/billing/bsbx")),
        (20, 20)
    );
    other.stop().await;
    bench.finish().await;
}
