//! Tables `handover_entries`, `handover_heads` and `handover_notes`: the evidence of a booking. Entries are only inserted.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, FromQueryResult, raw_sql};

use crate::domain::handover::chain::{Head, Stored};
use crate::domain::handover::{Chain, RentalTimes, Sealed};
use crate::domain::{BookingId, Party};
use crate::error::Error;

/// A text of a user, by which the hash in an entry is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub salt: [u8; 16],
    pub text: String,
}

#[derive(FromQueryResult)]
struct EntryRow {
    sequence: i32,
    statement: String,
    hash: Vec<u8>,
    head_sequence: Option<i32>,
    head_hash: Option<Vec<u8>>,
}

#[derive(FromQueryResult)]
struct NoteRow {
    sequence: i32,
    salt: Vec<u8>,
    body: String,
}

/// Reads and verifies the entries of a booking.
pub async fn chain(conn: &impl ConnectionTrait, id: BookingId) -> Result<Chain, Error> {
    let booking = id.0;
    // The head without any entry is a row too.
    let sql = raw_sql!(
        Postgres,
        r#"SELECT coalesce(e.sequence, 0) AS sequence, coalesce(e.statement, '') AS statement,
               coalesce(e.hash, ''::bytea) AS hash, h.sequence AS head_sequence, h.hash AS head_hash
           FROM (SELECT * FROM handover_entries WHERE booking_id = {booking}) e
           FULL JOIN (SELECT * FROM handover_heads WHERE booking_id = {booking}) h ON h.booking_id = e.booking_id
           ORDER BY e.sequence"#
    );
    let rows = EntryRow::find_by_statement(sql).all(conn).await?;
    let head = rows.first().and_then(|row| {
        let (sequence, hash) = row.head_sequence.zip(row.head_hash.clone())?;
        Some(Head { sequence, hash })
    });
    let stored = rows.into_iter().filter(|row| row.sequence > 0).map(|row| Stored {
        sequence: row.sequence,
        statement: row.statement,
        hash: row.hash,
    });
    Ok(Chain::read(id, stored.collect(), head.as_ref()))
}

/// Appends an entry. The caller has locked the booking.
pub async fn insert(conn: &impl ConnectionTrait, sealed: &Sealed) -> Result<(), Error> {
    let (booking, sequence) = (sealed.entry.booking.0, sealed.entry.sequence);
    let (statement, hash) = (sealed.statement.as_str(), sealed.hash.0.to_vec());
    let recorded_at = sealed.entry.recorded_at;
    conn.execute_raw(raw_sql!(
        Postgres,
        r#"WITH head AS (
               INSERT INTO handover_heads (booking_id, sequence, hash) VALUES ({booking}, {sequence}, {hash})
               ON CONFLICT (booking_id) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash)
           INSERT INTO handover_entries (booking_id, sequence, statement, hash, recorded_at)
           VALUES ({booking}, {sequence}, {statement}, {hash}, {recorded_at})"#
    ))
    .await?;
    Ok(())
}

/// Stores the text of an entry.
pub async fn insert_note(conn: &impl ConnectionTrait, sealed: &Sealed, note: &Note) -> Result<(), Error> {
    let (booking, sequence) = (sealed.entry.booking.0, sealed.entry.sequence);
    let (party, salt, body) = (
        sealed.entry.party.as_str(),
        note.salt.to_vec(),
        note.text.as_str(),
    );
    conn.execute_raw(raw_sql!(
        Postgres,
        r#"INSERT INTO handover_notes (booking_id, sequence, party, salt, body)
           VALUES ({booking}, {sequence}, {party}, {salt}, {body})"#
    ))
    .await?;
    Ok(())
}

/// Lists the texts of a booking by the number of their entry.
pub async fn list_notes(
    conn: &impl ConnectionTrait,
    booking: BookingId,
) -> Result<HashMap<i32, Note>, Error> {
    let booking = booking.0;
    let sql = raw_sql!(
        Postgres,
        "SELECT sequence, salt, body FROM handover_notes WHERE booking_id = {booking}"
    );
    let rows = NoteRow::find_by_statement(sql).all(conn).await?;
    let note = |row: NoteRow| {
        let salt = row
            .salt
            .try_into()
            .map_err(|_| Error::internal(anyhow::anyhow!("the salt of a note has another length")))?;
        Ok((row.sequence, Note { salt, text: row.body }))
    };
    rows.into_iter().map(note).collect()
}

/// Erases the texts that a party has written in these bookings.
pub async fn delete_notes(
    conn: &impl ConnectionTrait,
    bookings: &[BookingId],
    party: Party,
) -> Result<(), Error> {
    let bookings: Vec<uuid::Uuid> = bookings.iter().map(|booking| booking.0).collect();
    let party = party.as_str();
    conn.execute_raw(raw_sql!(
        Postgres,
        "DELETE FROM handover_notes WHERE booking_id = ANY({bookings}::uuid[]) AND party = {party}"
    ))
    .await?;
    Ok(())
}

/// Returns when the rental of a booking began and ended.
pub async fn rental_times(conn: &impl ConnectionTrait, booking: BookingId) -> Result<RentalTimes, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        started_at: Option<chrono::DateTime<chrono::Utc>>,
        completed_at: Option<chrono::DateTime<chrono::Utc>>,
    }
    let booking = booking.0;
    let sql = raw_sql!(
        Postgres,
        r#"SELECT min(changed_at) FILTER (WHERE to_status = 'active') AS started_at,
               min(changed_at) FILTER (WHERE to_status = 'completed') AS completed_at
           FROM status_history WHERE booking_id = {booking}"#
    );
    let row = Row::find_by_statement(sql).one(conn).await?;
    Ok(row.map_or_else(RentalTimes::default, |row| RentalTimes {
        started_at: row.started_at,
        completed_at: row.completed_at,
    }))
}
