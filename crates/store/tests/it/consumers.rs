//! Consumers: what fails, what is left over, who takes over.

use std::collections::{HashMap, HashSet};
use std::sync::{LazyLock, Mutex};

use carshare_chassis::Error as ChassisError;
use carshare_proto::auth::v1::UserUpdated;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_store::{DeadLetter, DeadLetters, EventMetadata, Tx};
use carshare_testkit::{eventually, eventually_true};
use redis::AsyncCommands as _;
use redis::streams::{StreamPendingReply, StreamReadOptions, StreamReadReply};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::harness::{
    Harness, Running, TIMEOUT, append, consumer, insert_note, note_consumer, note_of, publish,
};

const STREAM: &str = "carshare:events:auth";

async fn pending(harness: &Harness) -> usize {
    let reply: StreamPendingReply = harness.redis().await.xpending(STREAM, "test").await.unwrap();
    reply.count()
}

async fn dead(harness: &Harness) -> Vec<DeadLetter> {
    DeadLetters::open(&harness.redis, "test")
        .unwrap()
        .list(100)
        .await
        .unwrap()
}

/// Inserts the note, then fails if it is `poison` and panics if it is `panic`.
async fn fail_on_poison(tx: &Tx, metadata: &EventMetadata, event: &UserUpdated) -> Result<(), ChassisError> {
    insert_note(tx, metadata, event).await?;
    match note_of(event).as_str() {
        "poison" => Err(ChassisError::new(Common::Conflict)),
        "panic" => panic!("the note says so"),
        _ => Ok(()),
    }
}

fn failing_consumer(harness: &Harness, max_attempts: u32) -> Running {
    let consumer = consumer(&harness.db, &harness.redis)
        .max_attempts(max_attempts)
        .on("auth", fail_on_poison);
    Running::start(|shutdown| consumer.run(shutdown))
}

#[tokio::test]
async fn claims_entries_pending_at_a_dead_consumer() {
    let harness = Harness::new().await;
    let relay = harness.relay();
    publish(&harness.db, "u-1", "one").await;
    publish(&harness.db, "u-1", "two").await;
    eventually_true(TIMEOUT, || async {
        harness.redis().await.xlen::<_, usize>(STREAM).await.unwrap() == 2
    })
    .await;
    // A process that reads both and dies.
    let mut redis = harness.redis().await;
    redis
        .xgroup_create_mkstream::<_, _, _, ()>(STREAM, "test", "0")
        .await
        .unwrap();
    let options = StreamReadOptions::default().group("test", "dead-process");
    let read: Option<StreamReadReply> = redis.xread_options(&[STREAM], &[">"], &options).await.unwrap();
    assert_eq!(read.unwrap().keys[0].ids.len(), 2);
    let consumer = note_consumer(&harness.db, &harness.redis);
    eventually_true(TIMEOUT, || async {
        harness.notes().await == ["one", "two"] && pending(&harness).await == 0
    })
    .await;
    let known: redis::streams::StreamInfoConsumersReply =
        redis.xinfo_consumers(STREAM, "test").await.unwrap();
    assert!(
        known
            .consumers
            .iter()
            .all(|consumer| consumer.name != "dead-process")
    );
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test]
async fn dead_letters_poison_without_delaying_other_events() {
    let harness = Harness::new().await;
    let (relay, consumer) = (harness.relay(), failing_consumer(&harness, 3));
    for (key, note) in [
        ("bad", "before"),
        ("bad", "poison"),
        ("bad", "after"),
        ("good", "one"),
        ("good", "two"),
    ] {
        publish(&harness.db, key, note).await;
    }
    eventually_true(TIMEOUT, || async {
        harness.notes().await.len() == 4 && pending(&harness).await == 0
    })
    .await;
    // Later events of the key were handled after it, and its own effect was rolled back.
    assert_eq!(harness.notes_of("bad").await, ["before", "after"]);
    assert_eq!(harness.notes_of("good").await, ["one", "two"]);
    let letters = dead(&harness).await;
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].name.as_str(), letters[0].tries), ("user.updated", 3));
    assert_eq!(letters[0].stream, STREAM);
    assert!(letters[0].error.contains("CONFLICT"), "{}", letters[0].error);
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test]
async fn redrives_a_dead_letter_after_the_fix() {
    let harness = Harness::new().await;
    let (relay, consumer) = (harness.relay(), failing_consumer(&harness, 1));
    publish(&harness.db, "u-1", "poison").await;
    publish(&harness.db, "u-1", "fine").await;
    eventually_true(TIMEOUT, || async { harness.notes().await == ["fine"] }).await;
    consumer.stop().await;
    // The cause is fixed: this consumer handles it.
    let consumer = note_consumer(&harness.db, &harness.redis);
    let letters = DeadLetters::open(&harness.redis, "test").unwrap();
    let id = dead(&harness).await.remove(0).id;
    assert!(letters.redrive(&id).await.unwrap());
    eventually_true(TIMEOUT, || async { harness.notes().await == ["fine", "poison"] }).await;
    assert!(dead(&harness).await.is_empty());
    assert!(!letters.redrive(&id).await.unwrap());
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test]
async fn panic_in_a_handler_counts_as_a_failure() {
    let harness = Harness::new().await;
    let (relay, consumer) = (harness.relay(), failing_consumer(&harness, 2));
    publish(&harness.db, "u-1", "panic").await;
    publish(&harness.db, "u-1", "fine").await;
    eventually_true(TIMEOUT, || async { harness.notes().await == ["fine"] }).await;
    assert_eq!(dead(&harness).await[0].error, "the handler panicked");
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test]
async fn dead_letters_undecodable_entries_at_once() {
    let harness = Harness::new().await;
    let mut redis = harness.redis().await;
    redis
        .xadd::<_, _, _, _, ()>(STREAM, "*", &[("id", "not an id")])
        .await
        .unwrap();
    let consumer = note_consumer(&harness.db, &harness.redis);
    let letters = eventually(TIMEOUT, || async {
        Some(dead(&harness).await).filter(|letters| !letters.is_empty())
    })
    .await;
    assert_eq!(letters[0].tries, 0);
    assert_eq!(letters[0].error, "field traceparent is missing");
    consumer.stop().await;
}

/// Fails every third event on its first attempt.
async fn fail_every_third_once(
    tx: &Tx,
    metadata: &EventMetadata,
    event: &UserUpdated,
) -> Result<(), ChassisError> {
    static FAILED: LazyLock<Mutex<HashSet<Uuid>>> = LazyLock::new(Mutex::default);
    insert_note(tx, metadata, event).await?;
    let third = note_of(event).parse::<u32>().unwrap().is_multiple_of(3);
    if third && FAILED.lock().unwrap().insert(metadata.id) {
        return Err(ChassisError::new(Common::Conflict));
    }
    Ok(())
}

#[tokio::test]
async fn keeps_the_order_of_a_key_across_retries() {
    let harness = Harness::new().await;
    let consumer = consumer(&harness.db, &harness.redis).on("auth", fail_every_third_once);
    let running = [harness.relay(), Running::start(|shutdown| consumer.run(shutdown))];
    for number in 0..60 {
        publish(&harness.db, &format!("u-{}", number % 5), &number.to_string()).await;
    }
    eventually_true(TIMEOUT, || async { harness.notes().await.len() == 60 }).await;
    for remainder in 0..5 {
        let expected: Vec<String> = (0..60)
            .filter(|n| n % 5 == remainder)
            .map(|n| n.to_string())
            .collect();
        assert_eq!(harness.notes_of(&format!("u-{remainder}")).await, expected);
    }
    for running in running {
        running.stop().await;
    }
}

#[tokio::test]
async fn standby_takes_over_from_a_crashed_leader() {
    let harness = Harness::new().await;
    let relay = harness.relay();
    let first = note_consumer(&harness.db, &harness.redis);
    publish(&harness.db, "u-1", "one").await;
    eventually_true(TIMEOUT, || async { harness.notes().await == ["one"] }).await;
    let second = note_consumer(&harness.replica(2), &harness.redis);
    first.crash();
    publish(&harness.db, "u-1", "two").await;
    eventually_true(TIMEOUT, || async { harness.notes().await == ["one", "two"] }).await;
    let known: redis::streams::StreamInfoConsumersReply = harness
        .redis()
        .await
        .xinfo_consumers(STREAM, "test")
        .await
        .unwrap();
    assert_eq!(known.consumers.len(), 1);
    relay.stop().await;
    second.stop().await;
}

/// The connections that asked last for the right to handle events, and when.
async fn candidates(harness: &Harness) -> HashMap<i32, f64> {
    let mut connection = PgConnection::connect(&harness.database.url()).await.unwrap();
    let sql = "SELECT pid, extract(epoch FROM query_start)::float8 FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%consumer.%'";
    let rows: Vec<(i32, f64)> = sqlx::query_as(sql).fetch_all(&mut connection).await.unwrap();
    rows.into_iter().collect()
}

#[tokio::test]
async fn standby_polls_the_leader_lock_on_one_connection() {
    let harness = Harness::new().await;
    let both = [
        note_consumer(&harness.db, &harness.redis),
        note_consumer(&harness.replica(2), &harness.redis),
    ];
    let first = eventually(TIMEOUT, || async {
        let found = candidates(&harness).await;
        (found.len() == 2).then_some(found)
    })
    .await;
    eventually_true(TIMEOUT, || async {
        let later = candidates(&harness).await;
        first
            .iter()
            .any(|(pid, asked_at)| later.get(pid).is_some_and(|again| again > asked_at))
    })
    .await;
    for running in both {
        running.stop().await;
    }
}

#[tokio::test]
async fn acknowledges_events_without_a_handler() {
    let harness = Harness::new().await;
    let (relay, consumer) = (harness.relay(), note_consumer(&harness.db, &harness.redis));
    let registered = carshare_proto::auth::v1::UserRegistered {
        user_id: "u-1".into(),
        ..Default::default()
    };
    harness
        .db
        .transaction("test.other", registered, append)
        .await
        .unwrap();
    publish(&harness.db, "u-1", "mine").await;
    eventually_true(TIMEOUT, || async {
        harness.notes().await == ["mine"] && pending(&harness).await == 0
    })
    .await;
    assert!(dead(&harness).await.is_empty());
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test]
#[should_panic(expected = "user.updated has two handlers")]
async fn rejects_a_second_handler_of_an_event() {
    let harness = Harness::new().await;
    let _ = consumer(&harness.db, &harness.redis)
        .on("auth", insert_note)
        .on("auth", insert_note);
}
