//! From the outbox through Redis to the effect.

use std::time::Duration;

use carshare_chassis::Error as ChassisError;
use carshare_chassis::request_context::RequestContext;
use carshare_proto::auth::v1::UserUpdated;
use carshare_store::{EventMetadata, Relay, Tx};
use carshare_testkit::{eventually, eventually_true};
use redis::AsyncCommands as _;
use redis::streams::StreamRangeReply;

use crate::harness::{Harness, Running, TIMEOUT, consumer, execute, note_consumer, publish};

const STREAM: &str = "carshare:events:auth";

#[tokio::test]
async fn duplicate_deliveries_take_effect_once() {
    let harness = Harness::new().await;
    let (relay, consumer) = (harness.relay(), note_consumer(&harness.db, &harness.redis));
    publish(&harness.db, "u-1", "one").await;
    eventually_true(TIMEOUT, || async { harness.notes().await == ["one"] }).await;
    // The same entry arrives three more times, as after a relay that died before its commit.
    let mut redis = harness.redis().await;
    let sent: StreamRangeReply = redis.xrange_all(STREAM).await.unwrap();
    let fields: Vec<(String, redis::Value)> = sent.ids[0].map.clone().into_iter().collect();
    for _ in 0..3 {
        let mut add = redis::cmd("XADD");
        add.arg(STREAM).arg("*");
        for (name, value) in &fields {
            let redis::Value::BulkString(bytes) = value else {
                panic!("{value:?}")
            };
            add.arg(name).arg(bytes);
        }
        add.query_async::<String>(&mut redis).await.unwrap();
    }
    publish(&harness.db, "u-1", "two").await;
    eventually_true(TIMEOUT, || async { harness.notes().await.len() > 1 }).await;
    assert_eq!(harness.notes().await, ["one", "two"]);
    assert_eq!(harness.db.outbox_backlog(Duration::ZERO).await.unwrap(), 0);
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test]
async fn outbox_keeps_events_until_a_relay_runs() {
    let harness = Harness::new().await;
    publish(&harness.db, "u-1", "early").await;
    harness.clock.advance(Duration::from_secs(61));
    assert_eq!(
        harness.db.outbox_backlog(Duration::from_mins(1)).await.unwrap(),
        1
    );
    publish(&harness.db, "u-1", "late").await;
    assert_eq!(
        harness.db.outbox_backlog(Duration::from_mins(1)).await.unwrap(),
        1
    );
    assert_eq!(harness.db.outbox_backlog(Duration::ZERO).await.unwrap(), 2);
    let relay = harness.relay();
    eventually_true(TIMEOUT, || async {
        harness.db.outbox_backlog(Duration::ZERO).await.unwrap() == 0
    })
    .await;
    relay.stop().await;
}

#[tokio::test]
async fn two_relays_send_once_and_in_order() {
    let harness = Harness::new().await;
    let second = Relay::new(&harness.replica(2), &harness.redis, "auth");
    let relays = [harness.relay(), Running::start(|shutdown| second.run(shutdown))];
    for number in 0..300 {
        publish(&harness.db, &format!("u-{}", number % 3), &number.to_string()).await;
    }
    eventually_true(TIMEOUT, || async {
        harness.db.outbox_backlog(Duration::ZERO).await.unwrap() == 0
    })
    .await;
    let consumer = note_consumer(&harness.db, &harness.redis);
    let length: usize = harness.redis().await.xlen(STREAM).await.unwrap();
    assert_eq!(length, 300);
    for remainder in 0..3 {
        let expected: Vec<String> = (0..300)
            .filter(|n| n % 3 == remainder)
            .map(|n| n.to_string())
            .collect();
        let key = format!("u-{remainder}");
        eventually_true(TIMEOUT, || async { harness.notes_of(&key).await.len() == 100 }).await;
        assert_eq!(harness.notes_of(&key).await, expected);
    }
    for running in relays.into_iter().chain([consumer]) {
        running.stop().await;
    }
}

#[tokio::test]
async fn handler_runs_in_the_trace_of_the_event() {
    const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    async fn note_context(tx: &Tx, meta: &EventMetadata, _: &UserUpdated) -> Result<(), ChassisError> {
        let scope = RequestContext::current().unwrap();
        let note = format!(
            "{} {}",
            scope.correlation_id(),
            scope.traceparent().unwrap_or_default()
        );
        execute(
            tx,
            "INSERT INTO effects (key, note) VALUES ($1, $2)",
            [meta.key.clone().into(), note.into()],
        )
        .await?;
        Ok(())
    }

    let harness = Harness::new().await;
    let consumer = consumer(&harness.db, &harness.redis).on("auth", note_context);
    let running = [harness.relay(), Running::start(|shutdown| consumer.run(shutdown))];
    RequestContext::background("corr-7", Some(TRACEPARENT))
        .run(publish(&harness.db, "u-1", "x"))
        .await;
    let note = eventually(TIMEOUT, || async { harness.notes().await.pop() }).await;
    assert_eq!(note, format!("corr-7 {TRACEPARENT}"));
    for running in running {
        running.stop().await;
    }
}

#[tokio::test]
async fn handler_receives_event_metadata() {
    async fn note_metadata(tx: &Tx, meta: &EventMetadata, _: &UserUpdated) -> Result<(), ChassisError> {
        let note = format!("{} {} {}", meta.name, meta.occurred_at, meta.id.get_version_num());
        execute(
            tx,
            "INSERT INTO effects (key, note) VALUES ($1, $2)",
            [meta.key.clone().into(), note.into()],
        )
        .await?;
        Ok(())
    }

    let harness = Harness::new().await;
    let consumer = consumer(&harness.db, &harness.redis).on("auth", note_metadata);
    let running = [harness.relay(), Running::start(|shutdown| consumer.run(shutdown))];
    publish(&harness.db, "u-1", "x").await;
    let notes = eventually(TIMEOUT, || async {
        Some(harness.notes_of("u-1").await).filter(|notes| !notes.is_empty())
    })
    .await;
    assert_eq!(notes, ["user.updated 2026-11-22 12:00:00 UTC 7"]);
    for running in running {
        running.stop().await;
    }
}
