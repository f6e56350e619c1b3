//! The chain of entries: rows cannot be changed, and what is changed nevertheless is noticed.

use carshare_proto::auth::v1::UserDeleted;
use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::options::v1::Role;
use rstest::rstest;
use sea_orm::ConnectionTrait as _;

use crate::harness::*;

const PICKUP: HandoverPhase = HandoverPhase::Pickup;

/// What the reconciler asks.
const INTACT: &str = "SELECT handover_is_intact(id)::text AS line FROM bookings";

/// Returns a rental with three entries: a photo and two notes.
async fn recorded() -> (Harness, Person, Person, Booking) {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.active(guest, host, &harness.car(host)).await;
    harness
        .upload(guest, &booking.id, PICKUP, PhotoAngle::Front)
        .await
        .unwrap();
    harness
        .note(guest, &booking.id, PICKUP, "앞 범퍼 흠집")
        .await
        .unwrap();
    harness
        .note(host, &booking.id, PICKUP, "이전 흠집")
        .await
        .unwrap();
    (harness, guest, host, booking)
}

#[tokio::test]
async fn booking_without_entries_is_intact() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host());
    harness.pending(harness.guest(), &car).await;
    assert_eq!(harness.lines(INTACT).await, ["true"]);
    harness.finish().await;
}

#[tokio::test]
async fn entries_cannot_be_changed_or_deleted() {
    let (harness, ..) = recorded().await;
    for sql in [
        "UPDATE handover_entries SET recorded_at = now()",
        "DELETE FROM handover_entries WHERE sequence = 3",
        "TRUNCATE handover_entries CASCADE",
    ] {
        let error = harness.db.conn().execute_unprepared(sql).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{sql}: {error}");
    }
    harness.finish().await;
}

#[rstest]
#[case::statement(
    "ALTER TABLE handover_entries DROP CONSTRAINT handover_entries_hash_of_statement; \
     UPDATE handover_entries SET statement = replace(statement, 'angle=front', 'angle=rear') WHERE sequence = 1"
)]
#[case::statement_and_hash(
    "UPDATE handover_entries SET statement = replace(statement, 'party=guest', 'party=host'), \
     hash = sha256(convert_to(replace(statement, 'party=guest', 'party=host'), 'UTF8')) WHERE sequence = 2"
)]
#[case::missing_in_the_middle("DELETE FROM handover_notes; DELETE FROM handover_entries WHERE sequence = 2")]
#[case::missing_at_the_end("DELETE FROM handover_notes; DELETE FROM handover_entries WHERE sequence = 3")]
#[case::all("DELETE FROM handover_notes; DELETE FROM handover_entries")]
#[case::head("DELETE FROM handover_heads")]
#[tokio::test]
async fn tampering_is_noticed_and_nothing_is_added_to_it(#[case] sql: &str) {
    let (harness, guest, _, booking) = recorded().await;
    assert!(harness.handover(guest, &booking.id).await.unwrap().is_intact);
    assert_eq!(harness.lines(INTACT).await, ["true"]);
    harness
        .execute(&format!(
            "ALTER TABLE handover_entries DISABLE TRIGGER USER; {sql}"
        ))
        .await;
    assert!(!harness.handover(guest, &booking.id).await.unwrap().is_intact);
    assert_eq!(harness.lines(INTACT).await, ["false"]);
    assert_reason(
        harness.note(guest, &booking.id, PICKUP, "흠집").await,
        Common::Internal,
    );
    harness.finish().await;
}

#[tokio::test]
async fn notes_of_a_deleted_account_are_erased_and_the_chain_stays_intact() {
    let (mut harness, guest, host, booking) = recorded().await;
    let before = harness.handover(host, &booking.id).await.unwrap();
    let deleted = UserDeleted {
        user_id: guest.id.to_string(),
        role: Role::Guest.into(),
    };
    let id = harness.environment.ids.next();
    harness.send("auth", id, &deleted).await;
    harness.handled("auth").await;
    wait_until(|| async { harness.row_count("user_erasures").await == 0 }).await;
    let after = harness.handover(host, &booking.id).await.unwrap();
    assert!(after.is_intact);
    let mut expected = before.entries.clone();
    assert_eq!(expected[1].damage_notes(), "앞 범퍼 흠집");
    (expected[1].damage_notes, expected[1].note_salt) = (None, None);
    assert_eq!(after.entries, expected);
    assert_eq!(after.entries[2].damage_notes(), "이전 흠집");
    harness.finish().await;
}
