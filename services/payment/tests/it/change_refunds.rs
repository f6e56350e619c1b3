//! Refunds of what changes take off the price of a booking, and of charges whose change or booking ended.

use carshare_proto::booking::v1::{self as booking, PaymentStatus as Known};
use carshare_proto::payment::v1::*;

use crate::changes::charge_refunds;
use crate::harness::*;
use crate::paused_provider::{Verb, When};

const ADDED: i64 = 24_000;

impl Harness {
    /// Cancels a booking whose price is captured; `charges` are ids of charges and totals to refund.
    async fn cancel_charges(&self, of: &Booking, refund_amount: i64, charges: &[(&str, i64)]) {
        let cancelled = booking::BookingCancelled {
            charges: charge_refunds(charges),
            ..of.cancellation(refund_amount, Known::Paid)
        };
        self.publish(cancelled).await;
    }
}

#[tokio::test]
async fn change_that_costs_less_is_refunded_from_the_price() {
    let harness = Harness::start().await;
    let booking = harness.paid_booking().await;
    let change = harness.change(&booking, -5_000);
    let applied = change.applied(&[(&booking.id, 5_000)]);
    harness.publish(applied.clone()).await;
    let row = harness.until_refunded(&booking, 5_000).await;
    // The booking goes on.
    assert_eq!((row.state.as_str(), row.fee_krw), ("completed", 6_000));
    let event: PaymentRefunded = harness.event().await;
    assert_eq!(
        (event.refunded_amount, event.refunded_total, event.captured_amount),
        (5_000, 5_000, PRICE)
    );

    harness.publish(applied).await;
    let next = harness.change(&booking, -3_000).applied(&[(&booking.id, 8_000)]);
    harness.publish(next).await;
    harness.until_refunded(&booking, 8_000).await;
    assert_eq!(harness.request_count("/cancel"), 2);
    assert_eq!(harness.only_capture().balance_amount, PRICE - 8_000);
    harness.finish().await;
}

#[tokio::test]
async fn cancellation_refunds_each_charge_by_its_own_total() {
    let harness = Harness::start().await;
    let booking = harness.paid_booking().await;
    let applied = harness.accepted_change(&booking, ADDED).await;
    harness.until_charge(&applied, "completed").await;
    let in_progress = harness.accepted_change(&booking, 1_000).await;
    harness.until_charge(&in_progress, "completed").await;
    // Booking does not know of the second charge.
    let known = [(booking.id.as_str(), 40_000), (applied.id.as_str(), 0)];
    harness.cancel_charges(&booking, 40_000, &known).await;

    let price = harness.pass_time_until(&booking, "refunded").await;
    let unknown = harness.until_charge(&in_progress, "refunded").await;
    let kept = harness.charge_row(&applied.id).await.unwrap();
    assert_eq!(
        (price.refunded_krw, kept.refunded_krw, unknown.refunded_krw),
        (40_000, 0, 1_000)
    );
    assert_eq!(
        harness.balances().await,
        [
            "host_payable -24650",
            "platform_fee -4350",
            "provider_clearing 29000"
        ]
    );
    let event: ChargeRefunded = harness.event().await;
    assert_eq!((event.charge_id, event.refunded_total), (in_progress.id, 1_000));
    harness.finish().await;
}

#[tokio::test]
async fn charge_that_was_captured_when_its_change_closed_is_refunded_in_full() {
    let harness = Harness::start().await;
    let booking = harness.paid_booking().await;
    harness.instance.provider.pause_at(Verb::Charge, When::After);
    let change = harness.accepted_change(&booking, ADDED).await;
    harness.instance.provider.paused().await;
    harness.publish(change.closed()).await;
    harness.instance.provider.resume();
    let row = harness.until_charge(&change, "refunded").await;
    assert_eq!(row.refunded_krw, ADDED);
    assert_eq!(
        harness.published_events(&booking).await,
        [
            "payment.completed",
            "payment.charge_completed",
            "payment.charge_refunded"
        ]
    );
    assert_eq!(harness.row(&booking).await.unwrap().state, "completed");
    harness.finish().await;
}

/// The booking is cancelled while what a change takes off is being refunded: neither is refunded twice.
#[tokio::test]
async fn refunds_of_one_payment_are_made_one_after_the_other() {
    for when in [When::Before, When::After] {
        let harness = Harness::start().await;
        let booking = harness.paid_booking().await;
        harness.instance.provider.pause_at(Verb::Cancel, when);
        let change = harness.change(&booking, -5_000);
        harness.publish(change.applied(&[(&booking.id, 5_000)])).await;
        harness.instance.provider.paused().await;
        harness
            .cancel_charges(&booking, 20_000, &[(&booking.id, 25_000)])
            .await;
        harness.clock.advance(std::time::Duration::from_secs(5));
        harness.instance.provider.resume();
        let row = harness.pass_time_until(&booking, "refunded").await;
        assert_eq!(row.refunded_krw, 25_000, "{when:?}");
        assert_eq!(harness.only_capture().balance_amount, PRICE - 25_000);
        let refunds = harness
            .lines(
                "SELECT concat_ws(' ', origin, state, amount_krw) AS line FROM refunds ORDER BY created_at",
            )
            .await;
        assert_eq!(refunds, ["booking_change done 5000", "booking_end done 20000"]);
        harness.finish().await;
    }
}
