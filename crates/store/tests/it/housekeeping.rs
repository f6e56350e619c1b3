//! Housekeeping: expired rows are deleted, and no others.

use std::time::Duration;

use carshare_chassis::identity::Caller;
use carshare_chassis::rpc::{CallContext, IdempotencyKey};
use carshare_proto::auth::v1::UserUpdated;
use carshare_store::{Db, Error, Tx};
use carshare_testkit::eventually_true;
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::harness::{Harness, Running, TIMEOUT, publish};

/// Rows of the outbox and the stored replies.
async fn rows(harness: &Harness) -> (i64, i64) {
    let mut connection = PgConnection::connect(&harness.database.url()).await.unwrap();
    let sql = "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM idempotency)";
    sqlx::query_as(sql).fetch_one(&mut connection).await.unwrap()
}

/// Answers an idempotent call.
async fn answer(db: &Db, ctx: &CallContext) {
    let reply = async |_: &Tx, (): &()| Ok::<_, Error>(UserUpdated::default());
    db.idempotent(ctx, "test.answer", (), reply).await.unwrap();
}

async fn execute(harness: &Harness, sql: &'static str) {
    let mut connection = PgConnection::connect(&harness.database.url()).await.unwrap();
    connection.execute(sql).await.unwrap();
}

#[tokio::test]
async fn deletes_expired_rows() {
    let harness = Harness::new().await;
    let relay = harness.relay();
    publish(&harness.db, "u-1", "x").await;
    let caller = CallContext::for_test(Caller::Anonymous);
    let ctx = CallContext {
        idempotency: IdempotencyKey::parse("k"),
        ..caller
    };
    answer(&harness.db, &ctx).await;
    eventually_true(TIMEOUT, || async {
        harness.db.outbox_backlog(Duration::ZERO).await.unwrap() == 0
    })
    .await;
    relay.stop().await;
    // PostgreSQL's clock gives the times of the relay; the test's stands elsewhere.
    execute(
        &harness,
        "UPDATE outbox SET relayed_at = timestamptz '2026-11-22 12:00Z'",
    )
    .await;
    let db = harness.db.clone();
    let cleaner =
        Running::start(|shutdown| async move { carshare_store::housekeeping(&db, &[], shutdown).await });
    harness.clock.advance(Duration::from_hours(23));
    publish(&harness.db, "u-1", "unsent is never removed").await;
    assert_eq!(rows(&harness).await, (2, 1));
    harness.clock.advance(Duration::from_hours(1));
    eventually_true(TIMEOUT, || async { rows(&harness).await == (2, 0) }).await;
    // A reader that has not got so far keeps the event.
    execute(
        &harness,
        "INSERT INTO outbox_readers VALUES ('booking', 0, timestamptz '2026-11-29 12:00Z')",
    )
    .await;
    harness.clock.advance(Duration::from_hours(7 * 24));
    eventually_true(TIMEOUT, || swept(&harness)).await;
    assert_eq!(rows(&harness).await, (2, 0));
    execute(&harness, "UPDATE outbox_readers SET position = 1").await;
    harness.clock.advance(Duration::from_hours(1));
    eventually_true(TIMEOUT, || async { rows(&harness).await == (1, 0) }).await;
    assert_eq!(harness.db.outbox_backlog(Duration::ZERO).await.unwrap(), 1);
    cleaner.stop().await;
}

/// Returns whether the run that was due now has been claimed.
async fn swept(harness: &Harness) -> bool {
    let mut connection = PgConnection::connect(&harness.database.url()).await.unwrap();
    let sql = "SELECT due_at > $1 FROM schedules WHERE name = 'housekeeping'";
    sqlx::query_scalar(sql)
        .bind(harness.clock.now())
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn keeps_a_row_that_is_renewed_during_deletion() {
    let harness = Harness::new().await;
    let ctx = CallContext {
        idempotency: IdempotencyKey::parse("k"),
        ..CallContext::for_test(Caller::Anonymous)
    };
    answer(&harness.db, &ctx).await;
    harness.clock.advance(Duration::from_hours(24));
    let mut user = PgConnection::connect(&harness.database.url()).await.unwrap();
    user.execute("BEGIN; UPDATE idempotency SET expires_at = expires_at + interval '1 day'")
        .await
        .unwrap();
    let db = harness.db.clone();
    let cleaner =
        Running::start(|shutdown| async move { carshare_store::housekeeping(&db, &[], shutdown).await });
    let one = |sql: &'static str| sqlx::query_scalar::<_, bool>(sql);
    let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid IN \
        (SELECT pid FROM pg_stat_activity WHERE datname = current_database()))";
    while !one(waits).fetch_one(&mut user).await.unwrap() {
        tokio::task::yield_now().await;
    }
    user.execute("COMMIT").await.unwrap();
    // A run that has begun is finished.
    cleaner.stop().await;
    assert_eq!(rows(&harness).await, (0, 1));
}
