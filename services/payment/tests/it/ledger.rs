//! The books defend themselves, whatever the code does.

use carshare_payment::store::{invariants, unknown};
use carshare_store::Error as StoreError;
use chrono::DateTime;
use futures::FutureExt as _;
use rstest::rstest;
use sea_orm::ConnectionTrait as _;

use crate::bench::*;

impl Bench {
    /// Runs statements in one transaction of the service's own role; the name of the constraint that refuses.
    async fn tamper(&self, sql: &'static str) -> Option<String> {
        let done: Result<(), StoreError> = self
            .db
            .transaction("test.tamper", sql, |tx, sql| {
                async move { Ok(tx.conn().execute_unprepared(sql).await.map(drop)?) }.boxed()
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
#[case::lopsided(
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
async fn the_database_refuses(#[case] sql: &'static str) {
    let bench = Bench::start().await;
    let booking = bench.approved(bench.guest_with(GOOD_CARD).await).await;
    bench.until(&booking, "completed").await;
    let before = bench.balances().await;
    let refusal = bench.tamper(sql).await.expect("a refusal");
    assert!(refusal.contains("ledger_"), "{refusal}");
    assert_eq!(bench.balances().await, before);
    bench.finish().await;
}

/// The doctor sees what the database cannot: payments that say something else than the books.
#[rstest]
#[case(
    "UPDATE payments SET fee_krw = fee_krw - 1",
    "captured - refunded = fee + host"
)]
#[case(
    "UPDATE payments SET refunded_krw = 100, state = 'refunded'",
    "refunds that are done are what was given back"
)]
#[case(
    "UPDATE payments SET state = 'failed', failure_code = 'X', paid_at = NULL",
    "captured means booked"
)]
#[case(
    "UPDATE payments SET closed_at = now(), closing_refund_krw = 5",
    "money of a closed booking is settled or on its way"
)]
#[case(
    "UPDATE payment_attempts SET outcome = 'open', ended_at = NULL",
    "an unknown outcome has an open attempt and is looked after"
)]
#[tokio::test]
async fn the_doctor_finds(#[case] sql: &'static str, #[case] rule: &str) {
    let bench = Bench::start().await;
    let booking = bench.approved(bench.guest_with(GOOD_CARD).await).await;
    bench.until(&booking, "completed").await;
    bench.healthy().await;
    assert_eq!(bench.tamper(sql).await, None);
    let breaches = invariants::breaches(bench.db.conn(), DateTime::UNIX_EPOCH)
        .await
        .unwrap();
    assert!(breaches.iter().any(|breach| breach.rule == rule), "{breaches:?}");
}

#[tokio::test]
async fn the_doctor_knows_since_when_an_outcome_is_unknown() {
    let bench = Bench::start().await;
    let booking = bench.approved(bench.guest_with(GOOD_CARD).await).await;
    bench.until(&booking, "completed").await;
    let (charge, refund) = (None, None);
    let oldest = unknown::oldest(bench.db.conn()).await.unwrap();
    assert_eq!(oldest, unknown::Oldest { charge, refund });
    let forgotten =
        "UPDATE payment_attempts SET outcome = 'open', ended_at = NULL, started_at = '2026-11-22T12:00:00Z'";
    assert_eq!(bench.tamper(forgotten).await, None);
    let charge = Some("2026-11-22T12:00:00Z".parse().unwrap());
    let oldest = unknown::oldest(bench.db.conn()).await.unwrap();
    assert_eq!(oldest, unknown::Oldest { charge, refund });
}
