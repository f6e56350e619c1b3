//! Making settlements: which payments, which amounts, and each won once.

use std::collections::BTreeMap;
use std::time::Duration;

use carshare_chassis::proto_types::{timestamp, to_datetime};
use carshare_proto::booking::v1::{BookingChangeApplied, PaymentStatus as Known};
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::payment::v1::*;
use carshare_sandbox::{Fault, Provider};
use futures::future::join_all;
use tonic::Code;

use crate::harness::*;
use crate::instance::Instance;
use crate::settling::{HOLD, RENTAL, settlements_of};

const SECOND: Duration = Duration::from_secs(1);

/// What an item pays, and of which shares: amount, refunded, fee, host's share.
fn amounts(details: &SettlementDetails) -> Vec<(i64, i64, i64, i64)> {
    let items = details.items.iter();
    items
        .map(|item| {
            (
                item.amount,
                item.refunded_amount,
                item.platform_fee,
                item.host_amount,
            )
        })
        .collect()
}

#[tokio::test]
async fn settlement_has_the_hosts_share_of_payments_whose_hold_is_over() {
    let harness = Harness::start_settling().await;
    let host = harness.host();
    let first = harness.captured_of(host, PRICE).await;
    let second = harness.captured_of(host, 33_333).await;
    harness.clock.advance(RENTAL);
    let later = harness.captured_of(host, 10_000).await;
    harness.clock.advance(HOLD);
    let now = harness.clock.now();

    let settled = harness.settle().await.remove(0);
    let expected = Settlement {
        id: settled.id.clone(),
        host_id: host.id.to_string(),
        amount: 38_250 + 28_333,
        payment_count: 2,
        status: SettlementStatus::Created.into(),
        transfer_reference: None,
        created_at: Some(timestamp(now)),
        paid_at: None,
    };
    assert_eq!(settled, expected);
    let details = harness.settlement(host, &settled.id).await.unwrap();
    assert_eq!(details.settlement, Some(expected.clone()));
    assert_eq!(
        amounts(&details),
        [(38_250, 0, 6_750, 38_250), (28_333, 0, 5_000, 28_333)]
    );
    let bookings: Vec<_> = details.items.iter().map(|item| &item.booking_id).collect();
    assert_eq!(bookings, [&first.id, &second.id]);
    assert_eq!(
        harness.balances().await,
        [
            "host_payable -8500",
            "payouts_in_transit -66583",
            "platform_fee -13250",
            "provider_clearing 88333"
        ]
    );
    let event: SettlementCreated = harness.event().await;
    let expected = SettlementCreated {
        settlement_id: settled.id,
        host_id: host.id.to_string(),
        amount: 66_583,
        payment_count: 2,
        created_at: Some(timestamp(now)),
    };
    assert_eq!(event, expected);
    assert_eq!(harness.get(first.guest, &first).await.unwrap().settled_at, None);
    assert_eq!(harness.settle().await, []);
    harness.clock.advance(RENTAL);
    let rest = harness.settle().await;
    assert_eq!(rest.iter().map(|one| one.amount).collect::<Vec<_>>(), [8_500]);
    let details = harness.settlement(host, &rest[0].id).await.unwrap();
    assert_eq!(details.items[0].booking_id, later.id);
    harness.finish().await;
}

#[tokio::test]
async fn payment_is_kept_back_until_its_hold_is_over() {
    let harness = Harness::start_settling().await;
    let booking = harness.captured_of(harness.host(), PRICE).await;
    let ends_at = to_datetime(booking.facts.end_datetime).unwrap();
    harness.clock.set(ends_at + HOLD - SECOND);
    assert_eq!(harness.settle().await, []);
    harness.clock.advance(SECOND);
    assert_eq!(harness.settle().await.len(), 1);
    harness.finish().await;
}

#[tokio::test]
async fn rental_that_was_extended_is_settled_after_its_new_end() {
    let harness = Harness::start_settling().await;
    let mut booking = harness.captured_of(harness.host(), PRICE).await;
    let change = harness.accepted_change(&booking, 24_000).await;
    harness.until_charge(&change, "completed").await;
    let extended = harness.clock.now() + RENTAL + RENTAL;
    booking.facts.end_datetime = Some(timestamp(extended));
    let applied = BookingChangeApplied {
        booking: Some(booking.facts.clone()),
        ..change.applied(&[])
    };
    harness.publish(applied).await;
    harness.clock.advance(RENTAL + HOLD);
    assert_eq!(harness.settle().await, []);
    harness.clock.advance(RENTAL);
    let settled = harness.settle().await.remove(0);
    assert_eq!((settled.amount, settled.payment_count), (38_250 + 20_400, 2));
    let details = harness.settlement(booking.host, &settled.id).await.unwrap();
    let charges: Vec<_> = details.items.iter().map(|item| item.charge_id.clone()).collect();
    assert_eq!(charges, [None, Some(change.id)]);
    harness.finish().await;
}

#[tokio::test]
async fn payment_is_not_settled_while_it_is_being_refunded() {
    let harness = Harness::start_settling().await;
    let host = harness.host();
    let booking = harness.captured_of(host, PRICE).await;
    harness.captured_of(host, 20_000).await;
    let refused = Fault::refuse(Provider::Toss, "/cancel").times(10_000);
    harness.sandbox.inject(refused);
    harness.cancel(&booking, 20_000, Known::Paid).await;
    harness.clock.advance(RENTAL + HOLD);
    let settled = harness.settle().await;
    assert_eq!((settled.len(), settled[0].amount), (1, 17_000));
    harness.sandbox.clear_faults();
    harness.pass_time_until(&booking, "refunded").await;
    let settled = harness.settle().await;
    assert_eq!((settled.len(), settled[0].amount), (1, 21_250));
    harness.finish().await;
}

#[tokio::test]
async fn refund_after_a_settlement_is_taken_off_the_next_one() {
    let harness = Harness::start_settling().await;
    let (booking, first) = harness.settled().await;
    let admin = harness.person("admin");
    harness.complete_payout(admin, &first.id, "T-1").await.unwrap();
    harness.cancel(&booking, 20_000, Known::Paid).await;
    harness.pass_time_until(&booking, "refunded").await;
    harness.clock.advance(HOLD);
    // The host would have to pay back: nothing is settled until they earn more.
    assert_eq!(harness.settle().await, []);
    let tiny = harness.captured_of(booking.host, 20_000).await;
    harness.clock.advance(RENTAL + HOLD);
    assert_eq!(harness.settle().await, [], "17,000 won are owed and earned");
    harness.captured_of(booking.host, PRICE).await;
    harness.clock.advance(RENTAL + HOLD);

    let second = harness.settle().await.remove(0);
    assert_eq!((second.amount, second.payment_count), (38_250, 3));
    let details = harness.settlement(booking.host, &second.id).await.unwrap();
    assert_eq!(
        amounts(&details),
        [
            (-17_000, 20_000, 3_750, 21_250),
            (17_000, 0, 3_000, 17_000),
            (38_250, 0, 6_750, 38_250)
        ]
    );
    assert_eq!(details.items[1].booking_id, tiny.id);
    let before = harness.settlement(booking.host, &first.id).await.unwrap();
    assert_eq!(amounts(&before), [(38_250, 0, 6_750, 38_250)]);
    assert_eq!(harness.settle().await, []);
    harness.finish().await;
}

#[tokio::test]
async fn concurrent_calls_settle_each_won_once() {
    let harness = Harness::start_settling().await;
    let hosts: Vec<_> = (0..3).map(|_| harness.host()).collect();
    for host in &hosts {
        for amount_krw in [PRICE, 33_333] {
            harness.captured_of(*host, amount_krw).await;
        }
    }
    harness.clock.advance(RENTAL + HOLD);
    let replica = Instance::start(&harness.config, &harness.environment).await;
    let admin = harness.person("admin");
    let calls = (0..20).map(|call| {
        let host = hosts.get(call % 5).filter(|_| call % 2 == 0);
        let request = SettlePaymentsRequest {
            host_id: host.map(|host| host.id.to_string()),
        };
        let mut client = [settlements_of(&replica), harness.settlements()][call % 2].clone();
        let request = harness.request(admin, request);
        async move { client.settle_payments(request).await.unwrap().into_inner() }
    });
    let replies = join_all(calls).await;
    let mut settled: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for settlement in replies.into_iter().flat_map(|reply| reply.settlements) {
        settled
            .entry(settlement.host_id)
            .or_default()
            .push(settlement.amount);
    }
    let expected = hosts.iter().map(|host| (host.id.to_string(), vec![66_583]));
    assert_eq!(settled, expected.collect());
    assert_eq!(harness.row_count("settlement_items").await, 6);
    replica.stop().await;
    harness.finish().await;
}

#[tokio::test]
async fn job_makes_all_settlements() {
    let harness = Harness::start().await;
    let booking = harness.captured_of(harness.host(), PRICE).await;
    harness.copy_to_other_hosts().await;
    harness.clock.advance(RENTAL + HOLD + Duration::from_hours(24));
    wait_until(|| async { harness.row_count("settlements").await == 51 }).await;
    let request = ListSettlementsRequest::default();
    let list = harness.list_settlements(booking.host, request).await.unwrap();
    assert_eq!(list.settlements[0].amount, 38_250);
    harness.finish().await;
}

#[tokio::test]
async fn call_makes_fifty_settlements() {
    let harness = Harness::start_settling().await;
    harness.captured_of(harness.host(), PRICE).await;
    harness.copy_to_other_hosts().await;
    harness.clock.advance(RENTAL + HOLD);
    for expected in [(50, true), (1, false), (0, false)] {
        let batch = harness.settle_batch().await;
        assert_eq!((batch.settlements.len(), batch.has_more), expected);
    }
    harness.finish().await;
}

#[tokio::test]
async fn settle_payments_of_a_host_repeats_its_reply_under_the_same_key() {
    let harness = Harness::start_settling().await;
    let booking = harness.captured_of(harness.host(), PRICE).await;
    harness.clock.advance(RENTAL + HOLD);
    let other = SettlePaymentsRequest {
        host_id: Some(harness.host().id.to_string()),
    };
    let admin = harness.person("admin");
    let none = harness
        .settlements()
        .settle_payments(harness.request(admin, other))
        .await;
    assert_eq!(none.unwrap().into_inner(), SettlePaymentsResponse::default());
    let call = || {
        let request = SettlePaymentsRequest {
            host_id: Some(booking.host.id.to_string()),
        };
        with_idempotency_key(harness.request(admin, request), "k-1")
    };
    let first = harness
        .settlements()
        .settle_payments(call())
        .await
        .unwrap()
        .into_inner();
    assert_eq!((first.settlements.len(), first.has_more), (1, false));
    let repeated = harness.settlements().settle_payments(call()).await.unwrap();
    assert_eq!(repeated.into_inner(), first);
    assert_eq!(harness.row_count("settlements").await, 1);
    harness.finish().await;
}

#[tokio::test]
async fn settle_payments_of_others_and_of_an_invalid_host_is_refused() {
    let harness = Harness::start_settling().await;
    for role in ["guest", "host"] {
        let request = harness.request(harness.person(role), SettlePaymentsRequest::default());
        let refused = harness.settlements().settle_payments(request).await;
        assert_code(refused, Code::PermissionDenied);
    }
    let host_id = Some("x".to_owned());
    let request = harness.request(harness.person("admin"), SettlePaymentsRequest { host_id });
    let invalid = into_message(harness.settlements().settle_payments(request).await);
    let error = assert_reason(invalid, Common::InvalidArgument);
    assert_eq!(error.violations()[0].field, "host_id");
    harness.finish().await;
}
