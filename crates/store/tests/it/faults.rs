//! Servers that die: nothing is lost, nothing happens twice, and everything goes on by itself.

use std::time::Duration;

use carshare_chassis::config::Redis;
use carshare_store::{Db, Relay, config};
use carshare_testkit::bootstrap::{bootstrap, role_url};
use carshare_testkit::proxy::FaultProxy;
use carshare_testkit::{PrivatePostgres, PrivateRedis, ServerOptions, eventually_true};

use crate::harness::{
    Harness, Running, TIMEOUT, environment, event, log_consumer, migrate, note_consumer, publish,
};

/// A harness on a Redis of its own, to kill.
async fn with_own_redis() -> (Harness, PrivateRedis) {
    let server = PrivateRedis::start(ServerOptions::temporary()).await.unwrap();
    let harness = Harness::new().await;
    (
        Harness {
            redis: Redis::at(server.url()),
            ..harness
        },
        server,
    )
}

#[tokio::test]
async fn restart_of_an_empty_redis_loses_no_event() {
    let (harness, server) = with_own_redis().await;
    let log = harness.event_log().await;
    let (relay, consumer) = (harness.relay(), log_consumer(&harness.db, &harness.redis, &log));
    publish(&harness.db, "u-1", "before").await;
    eventually_true(TIMEOUT, || async { harness.notes().await == ["before"] }).await;
    server.kill().await.unwrap();
    publish(&harness.db, "u-1", "meanwhile").await;
    server.restart().await.unwrap();
    publish(&harness.db, "u-1", "after").await;
    eventually_true(TIMEOUT, || async { harness.notes().await.len() >= 3 }).await;
    assert_eq!(harness.notes().await, ["before", "meanwhile", "after"]);
    relay.stop().await;
    consumer.stop().await;
    log.stop().await;
}

#[tokio::test]
async fn reads_from_the_log_what_redis_lost_unread() {
    let (harness, server) = with_own_redis().await;
    let (relay, log) = (harness.relay(), harness.event_log().await);
    publish(&harness.db, "u-1", "sent and lost").await;
    eventually_true(TIMEOUT, || async {
        harness.db.outbox_backlog(Duration::ZERO).await.unwrap() == 0
    })
    .await;
    server.kill().await.unwrap();
    server.restart().await.unwrap();
    // No new event reveals the loss.
    let consumer = log_consumer(&harness.db, &harness.redis, &log);
    eventually_true(TIMEOUT, || async { harness.notes().await == ["sent and lost"] }).await;
    for running in [relay, consumer] {
        running.stop().await;
    }
    log.stop().await;
}

#[tokio::test]
async fn delivers_without_redis() {
    let (harness, server) = with_own_redis().await;
    server.kill().await.unwrap();
    let (relay, log) = (harness.relay(), harness.event_log().await);
    let consumer = log_consumer(&harness.db, &harness.redis, &log);
    for note in ["one", "two", "three"] {
        publish(&harness.db, "u-1", note).await;
    }
    eventually_true(TIMEOUT, || async { harness.notes().await.len() == 3 }).await;
    assert_eq!(harness.notes().await, ["one", "two", "three"]);
    for running in [relay, consumer] {
        running.stop().await;
    }
    log.stop().await;
}

#[tokio::test]
async fn recreates_groups_after_a_flush() {
    let harness = Harness::new().await;
    let log = harness.event_log().await;
    let (relay, consumer) = (harness.relay(), log_consumer(&harness.db, &harness.redis, &log));
    publish(&harness.db, "u-1", "one").await;
    eventually_true(TIMEOUT, || async { harness.notes().await == ["one"] }).await;
    redis::cmd("FLUSHDB")
        .query_async::<()>(&mut harness.redis().await)
        .await
        .unwrap();
    publish(&harness.db, "u-1", "two").await;
    eventually_true(TIMEOUT, || async { harness.notes().await.len() >= 2 }).await;
    assert_eq!(harness.notes().await, ["one", "two"]);
    relay.stop().await;
    consumer.stop().await;
    log.stop().await;
}

/// A PostgreSQL of its own, migrated, to kill.
async fn own_postgres() -> (PrivatePostgres, String) {
    let server = PrivatePostgres::start(ServerOptions::temporary()).await.unwrap();
    bootstrap(&server.admin_url(), "faults", &["store_test"])
        .await
        .unwrap();
    let url = role_url(&server.admin_url(), "faults", "store_test").unwrap();
    migrate(url.clone()).await.unwrap();
    (server, url)
}

#[tokio::test]
async fn reconnects_to_a_restarted_postgres() {
    let (server, url) = own_postgres().await;
    let parts = Harness::new().await;
    let config = config::Database {
        acquire_timeout: Duration::from_millis(300),
        ..config::Database::at(url)
    };
    let harness = Harness {
        db: Db::connect(&config, environment(3).0).unwrap(),
        config,
        ..parts
    };
    let (relay, consumer) = (harness.relay(), note_consumer(&harness.db, &harness.redis));
    publish(&harness.db, "u-1", "before").await;
    eventually_true(TIMEOUT, || async { harness.notes().await == ["before"] }).await;
    server.kill().await.unwrap();
    let unavailable: carshare_store::Error = harness
        .db
        .transaction("test.unavailable", event("u-1", "never"), crate::harness::append)
        .await
        .unwrap_err();
    assert!(
        matches!(unavailable, carshare_store::Error::Unavailable(_)),
        "{unavailable:?}"
    );
    server.restart().await.unwrap();
    publish(&harness.db, "u-1", "after").await;
    eventually_true(TIMEOUT, || async { harness.notes().await.len() >= 2 }).await;
    assert_eq!(harness.notes().await, ["before", "after"]);
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test]
async fn postgres_outage_does_not_count_as_an_attempt() {
    let parts = Harness::new().await;
    let (proxy, url) = FaultProxy::in_front_of(&parts.database.url()).await.unwrap();
    let config = config::Database {
        acquire_timeout: Duration::from_millis(100),
        ..config::Database::at(url)
    };
    let behind = Db::connect(&config, environment(4).0).unwrap();
    let relay = parts.relay();
    let consumer = crate::harness::consumer(&behind, &parts.redis)
        .max_attempts(1)
        .on("auth", crate::harness::insert_note);
    let consumer = Running::start(|shutdown| consumer.run(shutdown));
    publish(&parts.db, "u-1", "one").await;
    eventually_true(TIMEOUT, || async { parts.notes().await == ["one"] }).await;
    proxy.cut();
    publish(&parts.db, "u-1", "two").await;
    // Long enough to be tried in vain, were it counted.
    eventually_true(TIMEOUT, || async {
        parts.db.outbox_backlog(Duration::ZERO).await.unwrap() == 0
    })
    .await;
    assert!(behind.check_writable().await.is_err());
    proxy.heal();
    eventually_true(TIMEOUT, || async { parts.notes().await == ["one", "two"] }).await;
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test]
async fn relay_flushes_the_outbox_at_shutdown() {
    let harness = Harness::new().await;
    let relay = Relay::new(&harness.db, &harness.redis, "auth");
    let running = Running::start(|shutdown| relay.run(shutdown));
    publish(&harness.db, "u-1", "before shutdown").await;
    running.stop().await;
    assert_eq!(harness.db.outbox_backlog(Duration::ZERO).await.unwrap(), 0);
}

#[tokio::test]
async fn unresponsive_redis_does_not_block_transactions() {
    let harness = Harness::new().await;
    let (proxy, through) = FaultProxy::in_front_of(harness.redis.url.expose()).await.unwrap();
    let harness = Harness {
        redis: Redis {
            response_timeout: Duration::from_millis(100),
            ..Redis::at(through)
        },
        ..harness
    };
    let log = harness.event_log().await;
    let (relay, consumer) = (harness.relay(), log_consumer(&harness.db, &harness.redis, &log));
    publish(&harness.db, "u-1", "before").await;
    eventually_true(TIMEOUT, || async { harness.notes().await == ["before"] }).await;
    proxy.stall();
    let begin = tokio::time::Instant::now();
    publish(&harness.db, "u-1", "meanwhile").await;
    assert!(begin.elapsed() < Duration::from_secs(5));
    proxy.heal();
    eventually_true(TIMEOUT, || async {
        harness.notes().await == ["before", "meanwhile"]
    })
    .await;
    relay.stop().await;
    consumer.stop().await;
    log.stop().await;
}
