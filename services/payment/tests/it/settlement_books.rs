//! Constraints and invariants of settlements.

use carshare_payment::store::invariants;
use chrono::DateTime;
use rstest::rstest;

use crate::harness::*;

/// Copies the only item with other values.
macro_rules! item {
    ($number:literal, $before:literal, $settled:literal) => {
        concat!(
            "INSERT INTO settlements SELECT gen_random_uuid(), host_id, amount_krw, 1, 'created', NULL, now(), NULL, NULL, now() FROM settlements; \
             INSERT INTO settlement_items (settlement_id, payment_id, number, refunded_krw, fee_krw, settled_before_krw, settled_krw, amount_krw) \
             SELECT s.id, i.payment_id, ", $number, ", 0, i.fee_krw, ", $before, ", ", $settled, ", ", $settled, " - ", $before,
            " FROM settlement_items i, settlements s WHERE s.id <> i.settlement_id"
        )
    };
}

#[rstest]
#[case::settled_again(item!(1, 0, 38_250), "settlement_items_pkey")]
#[case::settled_from_nothing(item!(2, 0, 38_250), "settlement_items_follow")]
#[case::settled_after_a_gap(item!(3, 38_250, 40_000), "settlement_items_follow")]
#[case::below_zero(item!(2, 38_250, -1), "settlement_items_settled_krw_check")]
#[case::nothing(item!(2, 38_250, 38_250), "settlement_items_amount_krw_check")]
#[case::changed_item(
    "UPDATE settlement_items SET settled_krw = settled_krw + 1",
    "the ledger is immutable"
)]
#[case::deleted_item("DELETE FROM settlement_items", "the ledger is immutable")]
#[case::posted_again(
    "INSERT INTO ledger_transactions (id, settlement_id, kind, ref, occurred_at) \
     SELECT gen_random_uuid(), id, 'settlement', 'x', now() FROM settlements",
    "ledger_settlement_posted_once"
)]
#[case::posted_of_nothing(
    "INSERT INTO ledger_transactions (id, kind, ref, occurred_at) VALUES (gen_random_uuid(), 'payout', 'x', now())",
    "ledger_kind"
)]
#[case::capture_of_a_settlement(
    "INSERT INTO ledger_transactions (id, settlement_id, kind, ref, occurred_at) \
     SELECT gen_random_uuid(), id, 'capture', 'x', now() FROM settlements",
    "ledger_kind"
)]
#[case::paid_without_a_transfer("UPDATE settlements SET state = 'paid', paid_at = now()", "settlements_paid")]
#[tokio::test]
async fn database_rejects(#[case] sql: &'static str, #[case] constraint: &str) {
    let harness = Harness::start_settling().await;
    harness.settled().await;
    let error = harness.tamper(sql).await.expect("rejected");
    assert!(error.contains(constraint), "{error}");
    harness.finish().await;
}

/// Contradictions that no constraint rejects.
#[rstest]
#[case(
    "UPDATE settlements SET amount_krw = amount_krw + 1",
    "the items of a settlement add up to it"
)]
#[case(
    "UPDATE settlements SET payment_count = 2",
    "the items of a settlement add up to it"
)]
#[case(
    "UPDATE settlements SET host_id = gen_random_uuid()",
    "settlements settle captured payments of their hosts, each by its share"
)]
#[case(
    "UPDATE payments SET amount_krw = amount_krw + 1",
    "settlements settle captured payments of their hosts, each by its share"
)]
#[case(
    "UPDATE payments SET settled_krw = 0",
    "a payment is settled as its last item says, which is its share but for later refunds"
)]
#[case(
    "UPDATE payments SET fee_krw = fee_krw + 1",
    "a payment is settled as its last item says, which is its share but for later refunds"
)]
#[case(
    "UPDATE settlements SET state = 'paid', paid_at = now(), paid_by = host_id, transfer_reference = 'x'",
    "settlements and payouts are posted"
)]
#[tokio::test]
async fn invariant_check_finds(#[case] sql: &'static str, #[case] rule: &str) {
    let harness = Harness::start_settling().await;
    harness.settled().await;
    harness.assert_invariants().await;
    assert_eq!(harness.tamper(sql).await, None);
    let breaches = invariants::breaches(harness.db.conn(), DateTime::UNIX_EPOCH)
        .await
        .unwrap();
    assert!(breaches.iter().any(|breach| breach.rule == rule), "{breaches:?}");
}
