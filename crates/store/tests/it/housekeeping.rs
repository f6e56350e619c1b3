//! Rows go when their time is over, and not before.

use std::time::Duration;

use carshare_chassis::identity::Caller;
use carshare_chassis::rpc::{CallContext, IdempotencyKey};
use carshare_proto::auth::v1::UserUpdated;
use carshare_testkit::eventually_true;
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::bench::{Bench, Running, SOON, bench, noting, publish};

/// Rows of the outbox, the inbox and the kept replies.
async fn rows(bench: &Bench) -> (i64, i64, i64) {
    let mut connection = PgConnection::connect(&bench.database.url()).await.unwrap();
    let sql = "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM inbox), (SELECT count(*) FROM idempotency)";
    sqlx::query_as(sql).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn rows_go_when_their_time_is_over() {
    let bench = bench().await;
    let (relay, consumer) = (bench.relay(), noting(&bench.db, &bench.redis));
    publish(&bench.db, "u-1", "x").await;
    let caller = CallContext::for_test(Caller::Anonymous);
    let ctx = CallContext {
        idempotency: IdempotencyKey::parse("k"),
        ..caller
    };
    bench.db.claim::<UserUpdated>(&ctx).await.unwrap();
    eventually_true(SOON, || async { rows(&bench).await == (1, 1, 1) }).await;
    relay.stop().await;
    consumer.stop().await;
    let db = bench.db.clone();
    let cleaner = Running::start(|shutdown| async move { carshare_store::housekeeping(&db, shutdown).await });
    bench.clock.advance(Duration::from_hours(23));
    publish(&bench.db, "u-1", "unsent is never removed").await;
    bench.clock.advance(Duration::from_hours(1));
    eventually_true(SOON, || async { rows(&bench).await == (1, 1, 0) }).await;
    bench.clock.advance(Duration::from_hours(6 * 24));
    eventually_true(SOON, || async { rows(&bench).await == (1, 0, 0) }).await;
    assert_eq!(bench.db.outbox_backlog(Duration::ZERO).await.unwrap(), 1);
    cleaner.stop().await;
}

#[tokio::test]
async fn a_row_that_is_used_anew_while_it_is_being_removed_stays() {
    let bench = bench().await;
    let ctx = CallContext {
        idempotency: IdempotencyKey::parse("k"),
        ..CallContext::for_test(Caller::Anonymous)
    };
    bench.db.claim::<UserUpdated>(&ctx).await.unwrap();
    bench.clock.advance(Duration::from_hours(24));
    let mut user = PgConnection::connect(&bench.database.url()).await.unwrap();
    user.execute("BEGIN; UPDATE idempotency SET expires_at = expires_at + interval '1 day'")
        .await
        .unwrap();
    let db = bench.db.clone();
    let cleaner = Running::start(|shutdown| async move { carshare_store::housekeeping(&db, shutdown).await });
    let one = |sql: &'static str| sqlx::query_scalar::<_, bool>(sql);
    let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid IN \
        (SELECT pid FROM pg_stat_activity WHERE datname = current_database()))";
    while !one(waits).fetch_one(&mut user).await.unwrap() {
        tokio::task::yield_now().await;
    }
    user.execute("COMMIT").await.unwrap();
    let swept = "SELECT EXISTS (SELECT FROM leases WHERE name = 'housekeeping' AND owner IS NULL)";
    while !one(swept).fetch_one(&mut user).await.unwrap() {
        tokio::task::yield_now().await;
    }
    assert_eq!(rows(&bench).await, (0, 0, 1));
    cleaner.stop().await;
}
