//! Constraints of the ledger, and the invariant checks.

use carshare_payment::store::{invariants, unresolved};
use carshare_store::{Error as StoreError, Tx};
use chrono::DateTime;
use rstest::rstest;
use sea_orm::ConnectionTrait as _;

use crate::harness::*;

impl Harness {
    /// Runs statements in one transaction of the service's database role and returns the error, if any.
    pub async fn tamper(&self, sql: &'static str) -> Option<String> {
        let done: Result<(), StoreError> = self
            .db
            .transaction("test.tamper", sql, async |tx: &Tx, sql| {
                Ok(tx.conn().execute_unprepared(sql).await.map(drop)?)
            })
            .await;
        done.err().map(|error| format!("{error:?}"))
    }
}

#[rstest]
#[case::changed_entry("UPDATE ledger_entries SET amount_krw = amount_krw + 1")]
#[case::removed_entry("DELETE FROM ledger_entries")]
#[case::changed_transaction("UPDATE ledger_transactions SET ref = 'x'")]
#[case::removed_transaction("DELETE FROM ledger_transactions")]
#[case::emptied("TRUNCATE ledger_entries, ledger_transactions")]
#[case::single_entry(
    "INSERT INTO ledger_transactions SELECT gen_random_uuid(), payment_id, 'refund', 'x', now() FROM ledger_transactions; \
     INSERT INTO ledger_entries SELECT t.id, a.id, 1 FROM ledger_transactions t, ledger_accounts a \
     WHERE t.ref = 'x' AND a.code = 'platform_fee'"
)]
#[case::unbalanced(
    "INSERT INTO ledger_transactions SELECT gen_random_uuid(), payment_id, 'refund', 'x', now() FROM ledger_transactions; \
     INSERT INTO ledger_entries SELECT t.id, a.id, a.id FROM ledger_transactions t, ledger_accounts a WHERE t.ref = 'x'"
)]
#[case::empty(
    "INSERT INTO ledger_transactions SELECT gen_random_uuid(), payment_id, 'refund', 'x', now() FROM ledger_transactions"
)]
#[case::added_to(
    "INSERT INTO ledger_accounts (code, kind) VALUES ('mine', 'asset'); \
     INSERT INTO ledger_entries SELECT t.id, a.id, 1 FROM ledger_transactions t, ledger_accounts a WHERE a.code = 'mine'"
)]
#[case::second_capture(
    "INSERT INTO ledger_transactions SELECT gen_random_uuid(), payment_id, 'capture', 'x', now() FROM ledger_transactions"
)]
#[tokio::test]
async fn database_rejects(#[case] sql: &'static str) {
    let harness = Harness::start().await;
    let booking = harness.approved(harness.guest_with(GOOD_CARD).await).await;
    harness.until(&booking, "completed").await;
    let before = harness.balances().await;
    let error = harness.tamper(sql).await.expect("rejected");
    assert!(error.contains("ledger_"), "{error}");
    assert_eq!(harness.balances().await, before);
    harness.finish().await;
}

/// Contradictions between payments and ledger, which no constraint rejects.
#[rstest]
#[case(
    "UPDATE payments SET fee_krw = fee_krw - 1",
    "captured - refunded = fee + host"
)]
#[case(
    "UPDATE payments SET refunded_krw = 100, state = 'refunded'",
    "completed refunds add up to the refunded amount"
)]
#[case(
    "UPDATE payments SET state = 'failed', failure_code = 'X', paid_at = NULL",
    "captured payments are posted"
)]
#[case(
    "UPDATE payments SET closed_at = now(), closing_refund_krw = 5",
    "payments of closed bookings are settled or being refunded"
)]
#[case(
    "UPDATE payment_attempts SET outcome = 'open', ended_at = NULL",
    "an unknown outcome has an open attempt and a scheduled check"
)]
#[tokio::test]
async fn invariant_check_finds(#[case] sql: &'static str, #[case] rule: &str) {
    let harness = Harness::start().await;
    let booking = harness.approved(harness.guest_with(GOOD_CARD).await).await;
    harness.until(&booking, "completed").await;
    harness.assert_invariants().await;
    assert_eq!(harness.tamper(sql).await, None);
    let breaches = invariants::breaches(harness.db.conn(), DateTime::UNIX_EPOCH)
        .await
        .unwrap();
    assert!(breaches.iter().any(|breach| breach.rule == rule), "{breaches:?}");
}

#[tokio::test]
async fn oldest_unresolved_charge_is_found() {
    let harness = Harness::start().await;
    let booking = harness.approved(harness.guest_with(GOOD_CARD).await).await;
    harness.until(&booking, "completed").await;
    let oldest = unresolved::oldest(harness.db.conn()).await.unwrap();
    assert_eq!((oldest.charge, oldest.refund), (None, None));
    assert!(oldest.reconciliation.is_some());
    let reopen =
        "UPDATE payment_attempts SET outcome = 'open', ended_at = NULL, started_at = '2026-11-22T12:00:00Z'";
    assert_eq!(harness.tamper(reopen).await, None);
    let charge = Some("2026-11-22T12:00:00Z".parse().unwrap());
    let oldest = unresolved::oldest(harness.db.conn()).await.unwrap();
    assert_eq!((oldest.charge, oldest.refund), (charge, None));
}
