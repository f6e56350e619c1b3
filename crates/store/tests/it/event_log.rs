//! The event log: positions, readers, and what they recover.

use std::time::Duration;

use carshare_proto::event_log::v1::ListEventsRequest;
use carshare_proto::event_log::v1::event_log_service_client::EventLogServiceClient;
use carshare_store::Db;
use carshare_testkit::{eventually, eventually_true};
use redis::AsyncCommands as _;
use sqlx::{Connection as _, Executor as _, PgConnection};
use tonic::Code;

use crate::harness::{EventLogServer, Harness, TIMEOUT, log_consumer, publish};

const STREAM: &str = "carshare:events:auth";

async fn connection(harness: &Harness) -> PgConnection {
    PgConnection::connect(&harness.database.url()).await.unwrap()
}

/// Waits until every event has its position.
async fn relayed(db: &Db) {
    eventually_true(TIMEOUT, || async {
        db.outbox_backlog(Duration::ZERO).await.unwrap() == 0
    })
    .await;
}

async fn list(log: &EventLogServer, after_position: i64) -> Vec<(i64, String, i64)> {
    let request = ListEventsRequest {
        after_position,
        page_size: 0,
    };
    let mut client = EventLogServiceClient::new(log.channel("booking"));
    let reply = client.list_events(request).await.unwrap().into_inner();
    reply
        .events
        .into_iter()
        .map(|event| (event.position, event.key, event.key_sequence))
        .collect()
}

#[tokio::test]
async fn positions_follow_the_order_of_commits() {
    let harness = Harness::new().await;
    let (relay, log) = (harness.relay(), harness.event_log().await);
    // A transaction that has appended its event and is not committed.
    let mut slow = connection(&harness).await;
    slow.execute(
        "BEGIN; INSERT INTO event_sequences VALUES ('slow', 1); \
         INSERT INTO outbox (id, name, key, key_seq, occurred_at, correlation_id, data) \
         VALUES (gen_random_uuid(), 'user.updated', 'slow', 1, now(), 'c', '')",
    )
    .await
    .unwrap();
    publish(&harness.db, "fast", "one").await;
    publish(&harness.db, "fast", "two").await;
    relayed(&harness.db).await;
    let expected = [(1, "fast".to_owned(), 1), (2, "fast".to_owned(), 2)];
    eventually_true(TIMEOUT, || async { list(&log, 0).await == expected }).await;
    slow.execute("COMMIT").await.unwrap();
    // A reader that has read up to the second position does not miss it.
    let event = eventually(TIMEOUT, || async { list(&log, 2).await.pop() }).await;
    assert_eq!(event, (3, "slow".to_owned(), 1));
    relay.stop().await;
    log.stop().await;
}

#[tokio::test]
async fn log_is_for_services_and_remembers_its_readers() {
    let harness = Harness::new().await;
    let log = harness.event_log().await;
    let request = ListEventsRequest {
        after_position: 7,
        page_size: 10,
    };
    for caller in ["gateway", "nobody"] {
        let mut client = EventLogServiceClient::new(log.channel(caller));
        let refused = client.list_events(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{caller}");
    }
    let mut client = EventLogServiceClient::new(log.channel("booking"));
    client.list_events(request).await.unwrap();
    let invalid = ListEventsRequest {
        after_position: -1,
        page_size: 501,
    };
    let refused = client.list_events(invalid).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let readers: Vec<(String, i64)> = sqlx::query_as("SELECT name, position FROM outbox_readers")
        .fetch_all(&mut connection(&harness).await)
        .await
        .unwrap();
    assert_eq!(readers, [("booking".to_owned(), 7)]);
    log.stop().await;
}

#[tokio::test]
async fn event_that_redis_lost_between_two_others_is_recovered_in_order() {
    let harness = Harness::new().await;
    let (relay, log) = (harness.relay(), harness.event_log().await);
    publish(&harness.db, "u-1", "lost").await;
    relayed(&harness.db).await;
    harness.redis().await.del::<_, ()>(STREAM).await.unwrap();
    let consumer = log_consumer(&harness.db, &harness.redis, &log);
    publish(&harness.db, "u-1", "second").await;
    eventually_true(TIMEOUT, || async { harness.notes().await == ["lost", "second"] }).await;
    for running in [relay, consumer] {
        running.stop().await;
    }
    log.stop().await;
}

#[tokio::test]
async fn new_consumer_begins_with_what_the_log_still_has() {
    let harness = Harness::new().await;
    let (relay, log) = (harness.relay(), harness.event_log().await);
    for note in ["one", "two", "three"] {
        publish(&harness.db, "u-1", note).await;
    }
    relayed(&harness.db).await;
    relay.stop().await;
    harness.redis().await.del::<_, ()>(STREAM).await.unwrap();
    let mut connection = connection(&harness).await;
    connection
        .execute("DELETE FROM outbox WHERE key_seq = 1")
        .await
        .unwrap();
    let consumer = log_consumer(&harness.db, &harness.redis, &log);
    eventually_true(TIMEOUT, || async { harness.notes().await == ["two", "three"] }).await;
    consumer.stop().await;
    log.stop().await;
}

#[tokio::test]
async fn event_that_is_lost_for_good_holds_back_its_key_until_the_gap_is_accepted() {
    let harness = Harness::new().await;
    let (relay, log) = (harness.relay(), harness.event_log().await);
    let consumer = log_consumer(&harness.db, &harness.redis, &log);
    publish(&harness.db, "u-1", "one").await;
    eventually_true(TIMEOUT, || async { harness.notes().await == ["one"] }).await;
    consumer.stop().await;
    publish(&harness.db, "u-1", "lost").await;
    publish(&harness.db, "u-1", "three").await;
    relayed(&harness.db).await;
    harness.redis().await.del::<_, ()>(STREAM).await.unwrap();
    let mut connection = connection(&harness).await;
    connection
        .execute("DELETE FROM outbox WHERE key_seq = 2")
        .await
        .unwrap();
    let consumer = log_consumer(&harness.db, &harness.redis, &log);
    let waiting = eventually(TIMEOUT, || async {
        harness.db.list_blocked_events(10).await.unwrap().pop()
    })
    .await;
    assert_eq!((waiting.key_seq, waiting.handled_seq), (3, 1));
    assert_eq!(waiting.dead_at, None);
    assert!(
        !harness.db.skip_event(waiting.id).await.unwrap(),
        "it is no dead letter"
    );
    assert_eq!(harness.notes().await, ["one"]);
    assert!(harness.db.accept_gap(waiting.id).await.unwrap());
    eventually_true(TIMEOUT, || async { harness.notes().await == ["one", "three"] }).await;
    for running in [relay, consumer] {
        running.stop().await;
    }
    log.stop().await;
}

#[tokio::test]
async fn two_replicas_that_read_the_log_handle_each_event_once() {
    let harness = Harness::new().await;
    let (relay, log) = (harness.relay(), harness.event_log().await);
    for number in 0..250 {
        publish(&harness.db, &format!("u-{}", number % 3), &number.to_string()).await;
    }
    relayed(&harness.db).await;
    relay.stop().await;
    harness.redis().await.del::<_, ()>(STREAM).await.unwrap();
    let both = [
        log_consumer(&harness.db, &harness.redis, &log),
        log_consumer(&harness.replica(2), &harness.redis, &log),
    ];
    eventually_true(TIMEOUT, || async { harness.notes().await.len() >= 250 }).await;
    for remainder in 0..3 {
        let expected: Vec<String> = (0..250)
            .filter(|n| n % 3 == remainder)
            .map(|n| n.to_string())
            .collect();
        assert_eq!(harness.notes_of(&format!("u-{remainder}")).await, expected);
    }
    for running in both {
        running.stop().await;
    }
    log.stop().await;
}
