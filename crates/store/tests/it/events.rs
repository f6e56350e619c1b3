//! From the outbox through Redis to the effect.

use std::time::Duration;

use carshare_chassis::Error as ChassisError;
use carshare_chassis::request_context::RequestContext;
use carshare_proto::auth::v1::UserUpdated;
use carshare_store::{EventMetadata, Relay, Tx};
use carshare_testkit::{eventually, eventually_true};
use futures::FutureExt as _;
use redis::AsyncCommands as _;
use redis::streams::StreamRangeReply;

use crate::bench::{Running, SOON, bench, consumer, execute, noting, publish};

const STREAM: &str = "carshare:events:auth";

#[tokio::test]
async fn an_event_takes_effect_once_however_often_it_arrives() {
    let bench = bench().await;
    let (relay, consumer) = (bench.relay(), noting(&bench.db, &bench.redis));
    publish(&bench.db, "u-1", "one").await;
    eventually_true(SOON, || async { bench.notes().await == ["one"] }).await;
    // The same entry arrives three more times, as after a relay that died before its commit.
    let mut redis = bench.redis().await;
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
    publish(&bench.db, "u-1", "two").await;
    eventually_true(SOON, || async { bench.notes().await.len() > 1 }).await;
    assert_eq!(bench.notes().await, ["one", "two"]);
    assert_eq!(bench.db.outbox_backlog(Duration::ZERO).await.unwrap(), 0);
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test]
async fn events_wait_in_the_outbox_until_there_is_a_relay() {
    let bench = bench().await;
    publish(&bench.db, "u-1", "early").await;
    bench.clock.advance(Duration::from_secs(61));
    assert_eq!(bench.db.outbox_backlog(Duration::from_mins(1)).await.unwrap(), 1);
    publish(&bench.db, "u-1", "late").await;
    assert_eq!(bench.db.outbox_backlog(Duration::from_mins(1)).await.unwrap(), 1);
    assert_eq!(bench.db.outbox_backlog(Duration::ZERO).await.unwrap(), 2);
    let relay = bench.relay();
    eventually_true(SOON, || async {
        bench.db.outbox_backlog(Duration::ZERO).await.unwrap() == 0
    })
    .await;
    relay.stop().await;
}

#[tokio::test]
async fn two_relays_send_everything_once_and_in_order() {
    let bench = bench().await;
    let second = Relay::new(&bench.replica(2), &bench.redis, "auth");
    let relays = [bench.relay(), Running::start(|shutdown| second.run(shutdown))];
    for number in 0..300 {
        publish(&bench.db, &format!("u-{}", number % 3), &number.to_string()).await;
    }
    eventually_true(SOON, || async {
        bench.db.outbox_backlog(Duration::ZERO).await.unwrap() == 0
    })
    .await;
    let consumer = noting(&bench.db, &bench.redis);
    let length: usize = bench.redis().await.xlen(STREAM).await.unwrap();
    assert_eq!(length, 300);
    for remainder in 0..3 {
        let expected: Vec<String> = (0..300)
            .filter(|n| n % 3 == remainder)
            .map(|n| n.to_string())
            .collect();
        let key = format!("u-{remainder}");
        eventually_true(SOON, || async { bench.notes_of(&key).await.len() == 100 }).await;
        assert_eq!(bench.notes_of(&key).await, expected);
    }
    for running in relays.into_iter().chain([consumer]) {
        running.stop().await;
    }
}

#[tokio::test]
async fn trace_and_correlation_id_travel_with_the_event() {
    const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    async fn note_surroundings(tx: &Tx, meta: &EventMetadata) -> Result<(), ChassisError> {
        let scope = Scope::current().unwrap();
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

    let bench = bench().await;
    let consumer = consumer(&bench.db, &bench.redis).on("auth", |tx, meta, _: &UserUpdated| {
        note_surroundings(tx, meta).boxed()
    });
    let running = [bench.relay(), Running::start(|shutdown| consumer.run(shutdown))];
    Scope::background("corr-7", Some(TRACEPARENT))
        .run(publish(&bench.db, "u-1", "x"))
        .await;
    let note = eventually(SOON, || async { bench.notes().await.pop() }).await;
    assert_eq!(note, format!("corr-7 {TRACEPARENT}"));
    for running in running {
        running.stop().await;
    }
}

#[tokio::test]
async fn the_handler_is_told_about_its_event() {
    async fn note_meta(tx: &Tx, meta: &EventMetadata) -> Result<(), ChassisError> {
        let note = format!("{} {} {}", meta.name, meta.occurred_at, meta.id.get_version_num());
        execute(
            tx,
            "INSERT INTO effects (key, note) VALUES ($1, $2)",
            [meta.key.clone().into(), note.into()],
        )
        .await?;
        Ok(())
    }

    let bench = bench().await;
    let consumer =
        consumer(&bench.db, &bench.redis).on("auth", |tx, meta, _: &UserUpdated| note_meta(tx, meta).boxed());
    let running = [bench.relay(), Running::start(|shutdown| consumer.run(shutdown))];
    publish(&bench.db, "u-1", "x").await;
    let notes = eventually(SOON, || async {
        Some(bench.notes_of("u-1").await).filter(|notes| !notes.is_empty())
    })
    .await;
    assert_eq!(notes, ["user.updated 2026-11-22 12:00:00 UTC 7"]);
    for running in running {
        running.stop().await;
    }
}
