//! A booking is approved, and the guest's card is charged: once, whatever happens on the way.

use carshare_proto::booking::v1::BookingApproved;
use carshare_proto::payment::v1::*;
use carshare_sandbox::{Fault, PaymentStatus as TossStatus, Provider};
use chrono::TimeDelta;

use crate::bench::*;

#[tokio::test]
async fn an_approved_booking_is_charged_at_once() {
    let bench = Bench::start().await;
    let guest = bench.guest_with(GOOD_CARD).await;
    let booking = bench.approved(guest).await;
    let row = bench.until(&booking, "completed").await;

    let charged = bench.only_capture();
    assert_eq!((charged.status, charged.total_amount), (TossStatus::Done, PRICE));
    assert_eq!(
        (charged.order_id.as_str(), charged.order_name.as_str()),
        (row.order_id.as_str(), "카셰어링 현대 아이오닉 5")
    );
    assert_eq!(
        bench.keys_used("/v1/billing/bsbx"),
        [format!("charge:{}:1", row.id)]
    );
    assert_eq!(bench.attempts(&row).await, ["billing captured"]);
    assert_eq!(
        bench.balances().await,
        [
            "host_payable -38250",
            "platform_fee -6750",
            "provider_clearing 45000"
        ]
    );
    assert_eq!(bench.told(&booking).await, ["payment.completed"]);
    let event: PaymentCompleted = bench.event().await;
    let expected = PaymentCompleted {
        booking_id: booking.id.clone(),
        payment_id: row.id.to_string(),
        guest_id: guest.id.to_string(),
        host_id: booking.host.id.to_string(),
        amount: PRICE,
        paid_at: Some(carshare_chassis::proto_types::timestamp(bench.clock.now())),
    };
    assert_eq!(event, expected);
    let seen = bench.get(guest, &booking).await.unwrap();
    assert_eq!(
        (seen.status(), seen.amount, seen.platform_fee, seen.host_amount),
        (PaymentStatus::Completed, PRICE, 6_750, 38_250)
    );
    assert_eq!((seen.payment_method.as_str(), seen.refunded_amount), ("카드", 0));
    bench.finish().await;
}

#[tokio::test]
async fn the_newest_card_is_charged() {
    let bench = Bench::start().await;
    let guest = bench.guest_with("4330000000000101").await;
    bench.register(guest, GOOD_CARD).await.unwrap();
    bench.until(&bench.approved(guest).await, "completed").await;
    bench.finish().await;
}

#[tokio::test]
async fn an_approval_that_comes_twice_is_charged_once() {
    let bench = Bench::start().await;
    let booking = bench.booking(bench.guest_with(GOOD_CARD).await);
    bench.approve(&booking).await;
    bench.approve(&booking).await;
    bench.until(&booking, "completed").await;
    bench.approve(&booking).await;
    assert_eq!(bench.asked("/v1/billing/bsbx"), 1);
    assert_eq!(bench.told(&booking).await, ["payment.completed"]);
    bench.finish().await;
}

#[tokio::test]
async fn a_declined_card_is_told_with_its_code_and_nothing_is_booked() {
    let bench = Bench::start().await;
    let guest = bench.guest_with("4330000000000101").await;
    let booking = bench.approved(guest).await;
    let row = bench.until(&booking, "failed").await;

    assert_eq!(row.failure_code.as_deref(), Some("REJECT_CARD_PAYMENT"));
    assert_eq!(
        bench.attempts(&row).await,
        ["billing declined REJECT_CARD_PAYMENT"]
    );
    assert_eq!(bench.told(&booking).await, ["payment.failed"]);
    let event: PaymentFailed = bench.event().await;
    assert_eq!(
        (event.failure_code.as_str(), event.booking_id),
        ("REJECT_CARD_PAYMENT", booking.id.clone())
    );
    assert_eq!(bench.balances().await, Vec::<String>::new());
    assert_eq!(row.next_check_at, None);
    let seen = bench.get(guest, &booking).await.unwrap();
    assert_eq!(
        (seen.status(), seen.failure_code.as_deref()),
        (PaymentStatus::Failed, Some("REJECT_CARD_PAYMENT"))
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_reply_that_is_lost_after_the_charge_leaves_one_charge_and_one_completion() {
    let bench = Bench::start().await;
    let guest = bench.guest_with(GOOD_CARD).await;
    bench
        .sandbox
        .inject(Fault::lost_reply(Provider::Toss, "/v1/billing/bsbx"));
    let booking = bench.approved(guest).await;
    let row = bench.pass_time_until(&booking, "completed").await;

    assert_eq!(bench.only_capture().status, TossStatus::Done);
    assert_eq!(bench.asked("/v1/billing/bsbx"), 1, "asked about, not repeated");
    assert_eq!(bench.attempts(&row).await, ["billing captured"]);
    assert_eq!(bench.told(&booking).await, ["payment.completed"]);
    bench.finish().await;
}

#[tokio::test]
async fn a_call_that_never_arrived_is_repeated_under_its_key() {
    let bench = Bench::start().await;
    let guest = bench.guest_with(GOOD_CARD).await;
    bench
        .sandbox
        .inject(Fault::refuse(Provider::Toss, "/v1/billing/bsbx"));
    let booking = bench.approved(guest).await;
    let row = bench.pass_time_until(&booking, "completed").await;
    let key = format!("charge:{}:1", row.id);
    assert_eq!(bench.keys_used("/v1/billing/bsbx"), [key.clone(), key]);
    bench.finish().await;
}

#[tokio::test]
async fn a_gateway_error_in_front_of_toss_is_no_answer() {
    let bench = Bench::start().await;
    let guest = bench.guest_with(GOOD_CARD).await;
    bench
        .sandbox
        .inject(Fault::error(Provider::Toss, "/v1/billing/bsbx", 502));
    bench
        .sandbox
        .inject(Fault::error(Provider::Toss, "/v1/payments/orders", 404));
    let booking = bench.approved(guest).await;
    let row = bench.pass_time_until(&booking, "completed").await;
    let key = format!("charge:{}:1", row.id);
    assert_eq!(bench.keys_used("/v1/billing/bsbx"), [key.clone(), key]);
    bench.finish().await;
}

#[tokio::test]
async fn an_answer_of_500_after_the_charge_is_asked_about() {
    let bench = Bench::start().await;
    let booking = bench.approved(bench.guest_with("4330000000000301").await).await;
    bench.pass_time_until(&booking, "completed").await;
    assert_eq!(bench.only_capture().status, TossStatus::Done);
    assert_eq!(bench.asked("/v1/billing/bsbx"), 1);
    bench.finish().await;
}

#[tokio::test]
async fn a_transient_error_that_was_answered_is_tried_anew_under_a_new_key() {
    let bench = Bench::start().await;
    let booking = bench.approved(bench.guest_with("4330000000000201").await).await;
    let row = bench.pass_time_until(&booking, "completed").await;
    assert_eq!(
        bench.attempts(&row).await,
        ["billing failed PROVIDER_ERROR", "billing captured"]
    );
    let keys = [1, 2].map(|attempt| format!("charge:{}:{attempt}", row.id));
    assert_eq!(bench.keys_used("/v1/billing/bsbx"), keys);
    bench.finish().await;
}

/// The second attempt's call is lost on its way. What Toss holds for the order is the first one's failure, which must not be
/// taken for the second one's.
#[tokio::test]
async fn an_older_failure_under_the_same_order_is_not_taken_for_the_latest_one() {
    let bench = Bench::start().await;
    let guest = bench.guest_with("4330000000000201").await;
    let booking = bench.approved(guest).await;
    soon(|| async { bench.asked("/v1/billing/bsbx") == 1 }).await;
    bench
        .sandbox
        .inject(Fault::refuse(Provider::Toss, "/v1/billing/bsbx"));
    let row = bench.pass_time_until(&booking, "completed").await;
    let key = |attempt| format!("charge:{}:{attempt}", row.id);
    assert_eq!(bench.keys_used("/v1/billing/bsbx"), [key(1), key(2), key(2)]);
    bench.finish().await;
}

#[tokio::test]
async fn a_slow_charge_is_waited_for_and_then_asked_about() {
    let bench = Bench::start_with(|config| config.toss.billing_timeout_ms = 200).await;
    let guest = bench.guest_with(GOOD_CARD).await;
    bench
        .sandbox
        .inject(Fault::delay(Provider::Toss, "/v1/billing/bsbx", 1_000));
    let booking = bench.approved(guest).await;
    let row = bench.pass_time_until(&booking, "completed").await;
    assert_eq!(bench.only_capture().status, TossStatus::Done);
    assert_eq!(bench.attempts(&row).await, ["billing captured"]);
    assert!(
        bench
            .keys_used("/v1/billing/bsbx")
            .iter()
            .all(|key| *key == format!("charge:{}:1", row.id))
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_card_whose_key_is_worthless_is_taken_out_of_use_and_the_next_one_charged() {
    let bench = Bench::start().await;
    let guest = bench.guest_with(GOOD_CARD).await;
    bench.register(guest, GOOD_CARD).await.unwrap();
    let gone = serde_json::json!({"code": "ALREADY_REMOVED_BILLING_KEY", "message": "m"});
    bench.sandbox.inject(Fault {
        body: gone,
        ..Fault::error(Provider::Toss, "/v1/billing/bsbx", 400)
    });
    let row = bench.until(&bench.approved(guest).await, "completed").await;
    assert_eq!(
        bench.attempts(&row).await,
        ["billing failed ALREADY_REMOVED_BILLING_KEY", "billing captured"]
    );
    assert_eq!(
        bench
            .count("SELECT count(*) AS count FROM payment_methods WHERE disabled_at IS NULL")
            .await,
        1
    );
    bench.finish().await;
}

#[tokio::test]
async fn without_a_card_the_guest_is_asked() {
    let bench = Bench::start().await;
    let guest = bench.person("guest");
    let booking = bench.approved(guest).await;
    let row = bench.until(&booking, "requested").await;
    assert_eq!(bench.told(&booking).await, ["payment.requested"]);
    let event: PaymentRequested = bench.event().await;
    let due_at = bench.clock.now() + TimeDelta::hours(2);
    assert_eq!(
        (event.order_id, event.amount, event.guest_id),
        (row.order_id, PRICE, guest.id.to_string())
    );
    assert_eq!(event.due_at, Some(carshare_chassis::proto_types::timestamp(due_at)));
    assert_eq!((row.next_check_at, bench.asked("/v1/billing")), (None, 0));
    assert_eq!(
        bench.get(guest, &booking).await.unwrap().status(),
        PaymentStatus::Pending
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_wrong_secret_key_is_our_trouble_and_the_guest_is_charged_when_it_is_over() {
    let bench = Bench::start().await;
    let guest = bench.guest_with(GOOD_CARD).await;
    let refusal = serde_json::json!({"code": "UNAUTHORIZED_KEY", "message": "m"});
    bench.sandbox.inject(
        Fault {
            body: refusal,
            ..Fault::error(Provider::Toss, "/v1/", 401)
        }
        .times(3),
    );
    let booking = bench.approved(guest).await;
    let row = bench.pass_time_until(&booking, "completed").await;
    assert_eq!(
        bench.attempts(&row).await,
        ["billing failed UNAUTHORIZED_KEY", "billing captured"]
    );
    bench.finish().await;
}

#[tokio::test]
async fn nothing_is_charged_that_is_overdue() {
    let bench = Bench::start().await;
    let guest = bench.guest_with(GOOD_CARD).await;
    bench
        .sandbox
        .inject(Fault::refuse(Provider::Toss, "").times(1_000));
    let booking = bench.approved(guest).await;
    soon(|| async { bench.asked("/v1/billing/bsbx") == 1 }).await;
    bench.until(&booking, "unknown").await;
    bench.clock.advance(std::time::Duration::from_hours(3));
    bench.sandbox.clear_faults();
    // The call may still have arrived: a quarter of an hour has passed, so it has not.
    bench.pass_time_until(&booking, "due").await;
    bench.clock.advance(std::time::Duration::from_secs(2));
    soon(|| async { bench.row(&booking).await.unwrap().next_check_at.is_none() }).await;
    assert_eq!((bench.asked("/v1/billing/bsbx"), bench.captured().len()), (1, 0));
    bench.finish().await;
}

#[tokio::test]
async fn an_event_that_makes_no_sense_holds_up_no_other() {
    let bench = Bench::start().await;
    let booking = bench.booking(bench.guest_with(GOOD_CARD).await);
    bench
        .send(BookingApproved {
            booking_id: "no uuid".into(),
            ..Default::default()
        })
        .await;
    bench.send(bench.approval(&booking)).await;
    bench.until(&booking, "completed").await;
    bench.finish().await;
}
