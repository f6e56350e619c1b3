//! Quiescence: no unapplied event, no open charge or refund. Only then are the services' tables comparable.

use std::time::Duration;

use carshare_testkit::eventually_true;
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamInfoGroupsReply, StreamInfoStreamReply};
use redis::{AsyncCommands as _, RedisResult};
use tokio::time::timeout;

use crate::harness::TIMEOUT;
use crate::harness::deployment::Deployment;
use crate::harness::sql::Sql;

/// Consumer groups by stream.
const CONSUMERS: [(&str, &[&str]); 4] = [
    ("auth", &["booking", "notification", "vehicle"]),
    ("vehicle", &["booking", "notification"]),
    ("booking", &["notification", "payment", "vehicle"]),
    ("payment", &["booking", "notification"]),
];

/// Open work in the database.
const OPEN: &str = "\
    SELECT 'unsent ' || name || ' ' || id FROM \
      (SELECT id, name FROM auth.outbox WHERE sent_at IS NULL UNION ALL \
       SELECT id, name FROM vehicle.outbox WHERE sent_at IS NULL UNION ALL \
       SELECT id, name FROM booking.outbox WHERE sent_at IS NULL UNION ALL \
       SELECT id, name FROM payment.outbox WHERE sent_at IS NULL) o \
    UNION ALL SELECT 'payment ' || state || ' ' || id FROM payment.payments WHERE state IN ('due', 'unknown') \
    UNION ALL SELECT 'refund ' || state || ' ' || id FROM payment.refunds WHERE state IN ('due', 'unknown')";

pub(super) async fn wait(mesh: &impl Deployment) {
    let sql = Sql::of(mesh);
    let resting = eventually_true(TIMEOUT * 2, || async { unfinished(mesh, &sql).await.is_empty() });
    let in_time = timeout(TIMEOUT, resting).await;
    assert!(in_time.is_ok(), "no rest: {:#?}", unfinished(mesh, &sql).await);
}

/// Open work. The consumers are read between two counts of events, so that an event they published meanwhile is noticed.
async fn unfinished(mesh: &impl Deployment, sql: &Sql) -> Vec<String> {
    let before = sql.published().await;
    let mut open = lagging_consumers(mesh)
        .await
        .unwrap_or_else(|error| vec![format!("Redis: {error}")]);
    open.extend(sql.texts(OPEN).await);
    if sql.published().await != before {
        open.push("an event was published meanwhile".to_owned());
    }
    open
}

/// Consumer groups with unread or pending stream entries.
async fn lagging_consumers(mesh: &impl Deployment) -> RedisResult<Vec<String>> {
    let mut redis = connect(mesh).await?;
    let mut behind = Vec::new();
    for (source, listeners) in CONSUMERS {
        let stream = format!("carshare:events:{source}");
        let end: StreamInfoStreamReply = redis.xinfo_stream(&stream).await?;
        let groups: StreamInfoGroupsReply = redis.xinfo_groups(&stream).await?;
        for listener in listeners {
            let finished = groups.groups.iter().any(|group| {
                group.name == *listener
                    && group.pending == 0
                    && group.last_delivered_id == end.last_generated_id
            });
            if !finished {
                behind.push(format!("{listener} is behind {source}"));
            }
        }
    }
    Ok(behind)
}

/// Groups with dead letters.
pub(super) async fn dead_letters(mesh: &impl Deployment) -> Vec<String> {
    let mut redis = connect(mesh).await.expect("Redis");
    let mut dead = Vec::new();
    for group in ["booking", "notification", "payment", "vehicle"] {
        let count: usize = redis
            .xlen(format!("carshare:dead:{group}"))
            .await
            .expect("a response");
        if count > 0 {
            dead.push(format!("no event is dead: {count} in {group}"));
        }
    }
    dead
}

pub(super) async fn connect(mesh: &impl Deployment) -> RedisResult<MultiplexedConnection> {
    let client = redis::Client::open(mesh.dependencies().redis_url())?;
    let config = redis::AsyncConnectionConfig::new().set_connection_timeout(Some(Duration::from_secs(2)));
    client.get_multiplexed_async_connection_with_config(&config).await
}
