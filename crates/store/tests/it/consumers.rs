//! Consumers of several replicas: delivery out of order, replicas that die or hang, locked rows.

use std::sync::atomic::{AtomicBool, Ordering};

use carshare_chassis::Error as ChassisError;
use carshare_proto::auth::v1::UserUpdated;
use carshare_store::{EventMetadata, Tx};
use carshare_testkit::eventually_true;
use redis::streams::{StreamPendingReply, StreamRangeReply, StreamReadOptions, StreamReadReply};
use redis::{AsyncCommands as _, RedisResult};
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::harness::{
    Harness, Running, TIMEOUT, append, consumer, execute, insert_note, note_consumer, note_of, publish,
};

const STREAM: &str = "carshare:events:auth";

/// Entries that are read and not acknowledged; `None` before the consumer has created its group.
async fn pending(harness: &Harness) -> Option<usize> {
    let reply: RedisResult<StreamPendingReply> = harness.redis().await.xpending(STREAM, "test").await;
    match reply {
        Err(error) if error.code() == Some("NOGROUP") => None,
        reply => Some(reply.unwrap().count()),
    }
}

/// Waits until `count` entries are in the stream.
async fn relayed(harness: &Harness, count: usize) {
    eventually_true(TIMEOUT, || async {
        harness.redis().await.xlen::<_, usize>(STREAM).await.unwrap() == count
    })
    .await;
}

#[tokio::test]
async fn claims_entries_pending_at_a_dead_replica() {
    let harness = Harness::new().await;
    let relay = harness.relay();
    publish(&harness.db, "u-1", "one").await;
    publish(&harness.db, "u-1", "two").await;
    relayed(&harness, 2).await;
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
        harness.notes().await == ["one", "two"] && pending(&harness).await == Some(0)
    })
    .await;
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test]
async fn events_that_arrive_out_of_order_are_handled_in_order() {
    let harness = Harness::new().await;
    let relay = harness.relay();
    for note in ["one", "two", "three"] {
        publish(&harness.db, "u-1", note).await;
    }
    relayed(&harness, 3).await;
    relay.stop().await;
    // The stream is written again, backwards.
    let mut redis = harness.redis().await;
    let sent: StreamRangeReply = redis.xrange_all(STREAM).await.unwrap();
    redis.del::<_, ()>(STREAM).await.unwrap();
    let consumer = note_consumer(&harness.db, &harness.redis);
    for entry in sent.ids.into_iter().rev() {
        let fields: Vec<(String, Vec<u8>)> = entry
            .map
            .iter()
            .map(|(name, value)| (name.clone(), redis::from_redis_value(value.clone()).unwrap()))
            .collect();
        redis.xadd::<_, _, _, _, ()>(STREAM, "*", &fields).await.unwrap();
        // Each is filed or handled by itself.
        eventually_true(TIMEOUT, || async { pending(&harness).await == Some(0) }).await;
    }
    eventually_true(TIMEOUT, || async { harness.notes().await.len() == 3 }).await;
    assert_eq!(harness.notes().await, ["one", "two", "three"]);
    consumer.stop().await;
}

#[tokio::test]
async fn replicas_share_the_events_and_keep_the_order_of_each_key() {
    let harness = Harness::new().await;
    let running = [
        harness.relay(),
        note_consumer(&harness.db, &harness.redis),
        note_consumer(&harness.replica(2), &harness.redis),
        note_consumer(&harness.replica(3), &harness.redis),
    ];
    for number in 0..120 {
        publish(&harness.db, &format!("u-{}", number % 4), &number.to_string()).await;
    }
    eventually_true(TIMEOUT, || async { harness.notes().await.len() == 120 }).await;
    for remainder in 0..4 {
        let expected: Vec<String> = (0..120)
            .filter(|n| n % 4 == remainder)
            .map(|n| n.to_string())
            .collect();
        assert_eq!(harness.notes_of(&format!("u-{remainder}")).await, expected);
    }
    for running in running {
        running.stop().await;
    }
}

#[tokio::test]
async fn another_replica_continues_after_a_crash() {
    let harness = Harness::new().await;
    let relay = harness.relay();
    let first = note_consumer(&harness.db, &harness.redis);
    publish(&harness.db, "u-1", "one").await;
    eventually_true(TIMEOUT, || async { harness.notes().await == ["one"] }).await;
    let second = note_consumer(&harness.replica(2), &harness.redis);
    first.crash();
    publish(&harness.db, "u-1", "two").await;
    eventually_true(TIMEOUT, || async { harness.notes().await == ["one", "two"] }).await;
    relay.stop().await;
    second.stop().await;
}

/// Inserts the note; the first time it is `hang` it never returns, with the transaction open.
async fn hang_once(tx: &Tx, metadata: &EventMetadata, event: &UserUpdated) -> Result<(), ChassisError> {
    static HUNG: AtomicBool = AtomicBool::new(false);
    insert_note(tx, metadata, event).await?;
    if note_of(event) == "hang" && !HUNG.swap(true, Ordering::SeqCst) {
        std::future::pending::<()>().await;
    }
    Ok(())
}

#[tokio::test]
async fn event_of_a_replica_that_hangs_is_handled_by_another() {
    let harness = Harness::new().await;
    let relay = harness.relay();
    publish(&harness.db, "u-1", "before").await;
    let both = [1, 2].map(|seed| {
        let consumer = consumer(&harness.replica(seed), &harness.redis).on("auth", hang_once);
        Running::start(|shutdown| consumer.run(shutdown))
    });
    eventually_true(TIMEOUT, || async { harness.notes().await == ["before"] }).await;
    publish(&harness.db, "u-1", "hang").await;
    publish(&harness.db, "u-1", "after").await;
    // PostgreSQL ends the session that is idle in its transaction.
    eventually_true(TIMEOUT, || async {
        harness.notes().await == ["before", "hang", "after"]
    })
    .await;
    for running in both {
        running.crash();
    }
    relay.stop().await;
}

/// Inserts the note; for the key `locked` it needs the row of room 1.
async fn update_room(tx: &Tx, metadata: &EventMetadata, event: &UserUpdated) -> Result<(), ChassisError> {
    if metadata.key == "locked" {
        execute(tx, "UPDATE rooms SET guests = guests + 1 WHERE number = 1", []).await?;
    }
    insert_note(tx, metadata, event).await
}

#[tokio::test]
async fn locked_row_delays_its_own_key_and_never_counts_as_a_failure() {
    let harness = Harness::new().await;
    let consumer = consumer(&harness.db, &harness.redis)
        .max_attempts(1)
        .on("auth", update_room);
    let running = [harness.relay(), Running::start(|shutdown| consumer.run(shutdown))];
    let mut other = PgConnection::connect(&harness.database.url()).await.unwrap();
    other
        .execute("BEGIN; UPDATE rooms SET guests = 0 WHERE number = 1")
        .await
        .unwrap();
    publish(&harness.db, "locked", "waits").await;
    for number in 0..50 {
        publish(&harness.db, &format!("free-{number}"), "passes").await;
    }
    eventually_true(TIMEOUT, || async { harness.notes().await.len() == 50 }).await;
    // Its attempt was stopped by the lock at least once.
    let failed = "SELECT EXISTS (SELECT FROM inbox WHERE key = 'locked' AND error IS NOT NULL)";
    eventually_true(TIMEOUT, || async {
        let mut connection = PgConnection::connect(&harness.database.url()).await.unwrap();
        sqlx::query_scalar::<_, bool>(failed)
            .fetch_one(&mut connection)
            .await
            .unwrap()
    })
    .await;
    assert!(harness.db.list_blocked_events(10).await.unwrap().is_empty());
    other.execute("COMMIT").await.unwrap();
    eventually_true(TIMEOUT, || async {
        harness.notes_of("locked").await == ["waits"]
    })
    .await;
    for running in running {
        running.stop().await;
    }
}

#[tokio::test]
async fn undecodable_entry_is_acknowledged_and_others_are_handled() {
    let harness = Harness::new().await;
    let mut redis = harness.redis().await;
    redis
        .xadd::<_, _, _, _, ()>(STREAM, "*", &[("id", "not an id")])
        .await
        .unwrap();
    let (relay, consumer) = (harness.relay(), note_consumer(&harness.db, &harness.redis));
    publish(&harness.db, "u-1", "one").await;
    eventually_true(TIMEOUT, || async {
        harness.notes().await == ["one"] && pending(&harness).await == Some(0)
    })
    .await;
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test]
async fn event_without_a_handler_moves_the_cursor_of_its_key() {
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
        harness.notes().await == ["mine"] && pending(&harness).await == Some(0)
    })
    .await;
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
