//! Consumers: what fails, what is left over, who takes over.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use carshare_chassis::Error as ChassisError;
use carshare_proto::auth::v1::UserUpdated;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_store::{DeadLetter, DeadLetters};
use carshare_testkit::{eventually, eventually_true};
use futures::FutureExt as _;
use redis::AsyncCommands as _;
use redis::streams::{StreamPendingReply, StreamReadOptions, StreamReadReply};
use sqlx::{Connection as _, PgConnection};

use crate::bench::{Bench, Running, SOON, bench, consumer, note_of, noting, publish, take_note};

const STREAM: &str = "carshare:events:auth";

async fn pending(bench: &Bench) -> usize {
    let reply: StreamPendingReply = bench.redis().await.xpending(STREAM, "test").await.unwrap();
    reply.count()
}

async fn dead(bench: &Bench) -> Vec<DeadLetter> {
    DeadLetters::of(&bench.redis, "test")
        .unwrap()
        .list(100)
        .await
        .unwrap()
}

/// Fails each event whose note is `poison`, every time.
fn touchy(bench: &Bench, tries: u32) -> Running {
    let consumer = consumer(&bench.db, &bench.redis)
        .tries(tries)
        .on("auth", |tx, _, event: &UserUpdated| {
            async move {
                take_note(tx, event).await?;
                match note_of(event).as_str() {
                    "poison" => Err(ChassisError::new(Common::Conflict)),
                    "panic" => panic!("told to"),
                    _ => Ok(()),
                }
            }
            .boxed()
        });
    Running::start(|shutdown| consumer.run(shutdown))
}

#[tokio::test]
async fn what_a_dead_consumer_had_read_is_taken_over() {
    let bench = bench().await;
    let relay = bench.relay();
    publish(&bench.db, "u-1", "one").await;
    publish(&bench.db, "u-1", "two").await;
    eventually_true(SOON, || async {
        bench.redis().await.xlen::<_, usize>(STREAM).await.unwrap() == 2
    })
    .await;
    // A process that reads both and dies.
    let mut redis = bench.redis().await;
    redis
        .xgroup_create_mkstream::<_, _, _, ()>(STREAM, "test", "0")
        .await
        .unwrap();
    let options = StreamReadOptions::default().group("test", "dead-process");
    let read: Option<StreamReadReply> = redis.xread_options(&[STREAM], &[">"], &options).await.unwrap();
    assert_eq!(read.unwrap().keys[0].ids.len(), 2);
    let consumer = noting(&bench.db, &bench.redis);
    eventually_true(SOON, || async {
        bench.notes().await == ["one", "two"] && pending(&bench).await == 0
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
async fn poison_goes_to_the_dead_letters_and_harms_nobody() {
    let bench = bench().await;
    let (relay, consumer) = (bench.relay(), touchy(&bench, 3));
    for (key, note) in [
        ("bad", "before"),
        ("bad", "poison"),
        ("bad", "after"),
        ("good", "one"),
        ("good", "two"),
    ] {
        publish(&bench.db, key, note).await;
    }
    eventually_true(SOON, || async {
        bench.notes().await.len() == 4 && pending(&bench).await == 0
    })
    .await;
    // What waited behind it was handled after it, and its own effect was rolled back.
    assert_eq!(bench.notes_of("bad").await, ["before", "after"]);
    assert_eq!(bench.notes_of("good").await, ["one", "two"]);
    let letters = dead(&bench).await;
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].name.as_str(), letters[0].tries), ("user.updated", 3));
    assert_eq!(letters[0].stream, STREAM);
    assert!(letters[0].error.contains("CONFLICT"), "{}", letters[0].error);
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test]
async fn a_dead_letter_can_be_handled_after_all() {
    let bench = bench().await;
    let (relay, consumer) = (bench.relay(), touchy(&bench, 1));
    publish(&bench.db, "u-1", "poison").await;
    publish(&bench.db, "u-1", "fine").await;
    eventually_true(SOON, || async { bench.notes().await == ["fine"] }).await;
    consumer.stop().await;
    // The cause is mended: this consumer can stomach it.
    let consumer = noting(&bench.db, &bench.redis);
    let letters = DeadLetters::of(&bench.redis, "test").unwrap();
    let place = dead(&bench).await.remove(0).place;
    assert!(letters.redrive(&place).await.unwrap());
    eventually_true(SOON, || async { bench.notes().await == ["fine", "poison"] }).await;
    assert!(dead(&bench).await.is_empty());
    assert!(!letters.redrive(&place).await.unwrap());
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test]
async fn a_handler_that_panics_fails_like_any_other() {
    let bench = bench().await;
    let (relay, consumer) = (bench.relay(), touchy(&bench, 2));
    publish(&bench.db, "u-1", "panic").await;
    publish(&bench.db, "u-1", "fine").await;
    eventually_true(SOON, || async { bench.notes().await == ["fine"] }).await;
    assert_eq!(dead(&bench).await[0].error, "the handler panicked");
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_buried_at_once() {
    let bench = bench().await;
    let mut redis = bench.redis().await;
    redis
        .xadd::<_, _, _, _, ()>(STREAM, "*", &[("id", "not an id")])
        .await
        .unwrap();
    let consumer = noting(&bench.db, &bench.redis);
    let letters = eventually(SOON, || async {
        Some(dead(&bench).await).filter(|letters| !letters.is_empty())
    })
    .await;
    assert_eq!(letters[0].tries, 0);
    assert_eq!(letters[0].error, "field traceparent is missing");
    consumer.stop().await;
}

#[tokio::test]
async fn a_key_keeps_its_order_while_events_fail_and_are_tried_again() {
    let bench = bench().await;
    let failed_once: Arc<Mutex<HashSet<String>>> = Arc::default();
    let consumer = consumer(&bench.db, &bench.redis).on("auth", move |tx, _, event: &UserUpdated| {
        let failed_once = Arc::clone(&failed_once);
        async move {
            take_note(tx, event).await?;
            let note = note_of(event);
            // Every third event fails the first time.
            let fails = note.parse::<u32>().unwrap() % 3 == 0 && failed_once.lock().unwrap().insert(note);
            if fails {
                Err(ChassisError::new(Common::Conflict))
            } else {
                Ok(())
            }
        }
        .boxed()
    });
    let running = [bench.relay(), Running::start(|shutdown| consumer.run(shutdown))];
    for number in 0..60 {
        publish(&bench.db, &format!("u-{}", number % 5), &number.to_string()).await;
    }
    eventually_true(SOON, || async { bench.notes().await.len() == 60 }).await;
    for remainder in 0..5 {
        let expected: Vec<String> = (0..60)
            .filter(|n| n % 5 == remainder)
            .map(|n| n.to_string())
            .collect();
        assert_eq!(bench.notes_of(&format!("u-{remainder}")).await, expected);
    }
    for running in running {
        running.stop().await;
    }
}

#[tokio::test]
async fn one_process_of_a_group_is_active_and_the_next_takes_over() {
    let bench = bench().await;
    let relay = bench.relay();
    let first = noting(&bench.db, &bench.redis);
    publish(&bench.db, "u-1", "one").await;
    eventually_true(SOON, || async { bench.notes().await == ["one"] }).await;
    let second = noting(&bench.replica(2), &bench.redis);
    first.crash();
    publish(&bench.db, "u-1", "two").await;
    eventually_true(SOON, || async { bench.notes().await == ["one", "two"] }).await;
    let known: redis::streams::StreamInfoConsumersReply =
        bench.redis().await.xinfo_consumers(STREAM, "test").await.unwrap();
    assert_eq!(known.consumers.len(), 1);
    relay.stop().await;
    second.stop().await;
}

/// The connections that asked last for the right to handle events, and when.
async fn candidates(bench: &Bench) -> HashMap<i32, f64> {
    let mut connection = PgConnection::connect(&bench.database.url()).await.unwrap();
    let sql = "SELECT pid, extract(epoch FROM query_start)::float8 FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%consumer.%'";
    let rows: Vec<(i32, f64)> = sqlx::query_as(sql).fetch_all(&mut connection).await.unwrap();
    rows.into_iter().collect()
}

#[tokio::test]
async fn who_stands_by_asks_again_on_the_connection_it_has() {
    let bench = bench().await;
    let both = [
        noting(&bench.db, &bench.redis),
        noting(&bench.replica(2), &bench.redis),
    ];
    let first = eventually(SOON, || async {
        let found = candidates(&bench).await;
        (found.len() == 2).then_some(found)
    })
    .await;
    eventually_true(SOON, || async {
        let later = candidates(&bench).await;
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
async fn events_that_nobody_handles_are_passed_over() {
    let bench = bench().await;
    let (relay, consumer) = (bench.relay(), noting(&bench.db, &bench.redis));
    let registered = carshare_proto::auth::v1::UserRegistered {
        user_id: "u-1".into(),
        ..Default::default()
    };
    bench
        .db
        .transaction("test.other", registered, |tx, event| tx.publish(event).boxed())
        .await
        .unwrap();
    publish(&bench.db, "u-1", "mine").await;
    eventually_true(SOON, || async {
        bench.notes().await == ["mine"] && pending(&bench).await == 0
    })
    .await;
    assert!(dead(&bench).await.is_empty());
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test]
#[should_panic(expected = "user.updated has two handlers")]
async fn an_event_has_one_handler() {
    let bench = bench().await;
    let _ = consumer(&bench.db, &bench.redis)
        .on("auth", |tx, _, event: &UserUpdated| take_note(tx, event).boxed())
        .on("auth", |tx, _, event: &UserUpdated| take_note(tx, event).boxed());
}
