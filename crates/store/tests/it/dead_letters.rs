//! Events that fail: retries, dead letters, and the operator's decisions about them.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex};

use carshare_chassis::Error as ChassisError;
use carshare_proto::auth::v1::UserUpdated;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_store::{EventMetadata, FiledEvent, Tx};
use carshare_testkit::{eventually, eventually_true};
use uuid::Uuid;

use crate::harness::{Harness, Running, TIMEOUT, consumer, insert_note, note_consumer, note_of, publish};

async fn blocked(harness: &Harness) -> Vec<FiledEvent> {
    harness.db.list_blocked_events(100).await.unwrap()
}

/// Waits for the first dead letter.
async fn dead_letter(harness: &Harness) -> FiledEvent {
    eventually(TIMEOUT, || async {
        let blocked = blocked(harness).await;
        blocked.into_iter().find(|event| event.dead_at.is_some())
    })
    .await
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
async fn poison_becomes_a_dead_letter_and_holds_back_its_own_key_only() {
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
    let letter = dead_letter(&harness).await;
    eventually_true(TIMEOUT, || async {
        harness.notes_of("good").await == ["one", "two"]
    })
    .await;
    assert_eq!(harness.notes_of("bad").await, ["before"]);
    assert_eq!(
        (letter.source.as_str(), letter.name.as_str()),
        ("auth", "user.updated")
    );
    assert_eq!(
        (letter.key.as_str(), letter.key_seq, letter.attempts),
        ("bad", 2, 3)
    );
    assert!(letter.error.unwrap().contains("CONFLICT"));
    assert_eq!(blocked(&harness).await.len(), 1, "the successor only waits");
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test]
async fn redrive_handles_a_dead_letter_and_what_it_held_back() {
    let harness = Harness::new().await;
    let (relay, consumer) = (harness.relay(), failing_consumer(&harness, 1));
    publish(&harness.db, "u-1", "poison").await;
    publish(&harness.db, "u-1", "fine").await;
    let id = dead_letter(&harness).await.id;
    consumer.stop().await;
    // The cause is fixed: this consumer handles it.
    let consumer = note_consumer(&harness.db, &harness.redis);
    assert!(harness.db.redrive_event(id).await.unwrap());
    eventually_true(TIMEOUT, || async { harness.notes().await == ["poison", "fine"] }).await;
    eventually_true(TIMEOUT, || async { blocked(&harness).await.is_empty() }).await;
    assert!(!harness.db.redrive_event(id).await.unwrap());
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test]
async fn skip_gives_up_a_dead_letter_and_frees_its_key() {
    let harness = Harness::new().await;
    let (relay, consumer) = (harness.relay(), failing_consumer(&harness, 1));
    publish(&harness.db, "u-1", "poison").await;
    publish(&harness.db, "u-1", "fine").await;
    let id = dead_letter(&harness).await.id;
    assert!(
        !harness.db.accept_gap(id).await.unwrap(),
        "nothing is missing before it"
    );
    assert!(harness.db.skip_event(id).await.unwrap());
    eventually_true(TIMEOUT, || async { harness.notes().await == ["fine"] }).await;
    assert!(!harness.db.skip_event(id).await.unwrap());
    assert!(!harness.db.skip_event(Uuid::from_u128(1)).await.unwrap());
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test]
async fn panic_in_a_handler_counts_as_a_failure() {
    let harness = Harness::new().await;
    let (relay, consumer) = (harness.relay(), failing_consumer(&harness, 2));
    publish(&harness.db, "u-1", "panic").await;
    publish(&harness.db, "u-2", "fine").await;
    let letter = dead_letter(&harness).await;
    assert_eq!(letter.error.unwrap(), "the handler panicked: the note says so");
    assert_eq!(letter.attempts, 2);
    eventually_true(TIMEOUT, || async { harness.notes().await == ["fine"] }).await;
    relay.stop().await;
    consumer.stop().await;
}

/// Fails every third event on its first attempt in a transaction of its own.
async fn fail_every_third_twice(
    tx: &Tx,
    metadata: &EventMetadata,
    event: &UserUpdated,
) -> Result<(), ChassisError> {
    static FAILED: LazyLock<Mutex<Vec<Uuid>>> = LazyLock::new(Mutex::default);
    insert_note(tx, metadata, event).await?;
    let third = note_of(event).parse::<u32>().unwrap().is_multiple_of(3);
    let mut failed = FAILED.lock().unwrap();
    let failures = failed.iter().filter(|id| **id == metadata.id).count();
    if third && failures < 2 {
        failed.push(metadata.id);
        return Err(ChassisError::new(Common::Conflict));
    }
    Ok(())
}

#[tokio::test]
async fn retries_keep_the_order_of_a_key() {
    let harness = Harness::new().await;
    let consumer = consumer(&harness.db, &harness.redis).on("auth", fail_every_third_twice);
    let running = [harness.relay(), Running::start(|shutdown| consumer.run(shutdown))];
    for number in 0..60 {
        publish(&harness.db, &format!("u-{}", number % 5), &number.to_string()).await;
    }
    eventually_true(TIMEOUT, || async { harness.notes().await.len() == 60 }).await;
    let all: HashSet<String> = harness.notes().await.into_iter().collect();
    assert_eq!(all.len(), 60);
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
