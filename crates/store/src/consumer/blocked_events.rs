//! Filed events that hold back their key, and what operators decide about them.

use sea_orm::{ConnectionTrait as _, FromQueryResult as _};
use uuid::Uuid;

use super::inbox::{self, Failed, FiledEvent, statement};
use crate::db::Db;
use crate::error::Error;
use crate::transaction::Tx;

/// Selects filed events with the cursor of their key.
const FILED: &str = "SELECT i.id, i.source, i.name, i.key, i.key_seq, c.handled_seq, i.attempts, i.error, i.dead_at \
    FROM inbox i JOIN inbox_cursors c USING (source, key)";

impl Db {
    /// Returns the oldest `limit` dead letters and events whose predecessor is missing.
    pub async fn list_blocked_events(&self, limit: u64) -> Result<Vec<FiledEvent>, Error> {
        let sql = format!(
            "{FILED} WHERE i.dead_at IS NOT NULL OR i.key_seq > c.handled_seq + 1 AND NOT EXISTS ( \
                SELECT FROM inbox p WHERE p.source = i.source AND p.key = i.key AND p.key_seq < i.key_seq) \
             ORDER BY i.filed_at LIMIT $1"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.conn().query_all_raw(statement(&sql, [limit.into()])).await?;
        rows.iter()
            .map(|row| Ok(FiledEvent::from_query_result(row, "")?))
            .collect()
    }

    /// Makes a dead letter due again, with all its attempts. Returns false if there is none with this id.
    pub async fn redrive_event(&self, id: Uuid) -> Result<bool, Error> {
        self.transaction("events.redrive", id, redrive).await
    }

    /// Gives up a dead letter without its effect: later events of its key are handled. Returns false if there is none with
    /// this id.
    pub async fn skip_event(&self, id: Uuid) -> Result<bool, Error> {
        self.transaction("events.skip", id, skip).await
    }

    /// Handles an event although earlier events of its key are lost for good. Returns false if there is no event with this id
    /// that waits for a missing one.
    pub async fn accept_gap(&self, id: Uuid) -> Result<bool, Error> {
        self.transaction("events.accept_gap", id, accept_gap).await
    }
}

async fn redrive(tx: &Tx, &id: &Uuid) -> Result<bool, Error> {
    let Some(event) = lock(tx, id).await?.filter(|event| event.dead_at.is_some()) else {
        return Ok(false);
    };
    let fresh = Failed {
        id: event.id,
        error: event.error.unwrap_or_default(),
        attempts: 0,
        delay_seconds: 0.0,
        is_dead: false,
    };
    inbox::update_failed(tx, &fresh).await?;
    Ok(true)
}

async fn skip(tx: &Tx, &id: &Uuid) -> Result<bool, Error> {
    match lock(tx, id).await? {
        Some(event) if event.dead_at.is_some() => {
            inbox::finish(tx, &event).await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

async fn accept_gap(tx: &Tx, &id: &Uuid) -> Result<bool, Error> {
    match lock(tx, id).await? {
        Some(event) if event.key_seq > event.handled_seq + 1 && !has_earlier(tx, &event).await? => {
            set_cursor(tx, &event, event.key_seq - 1).await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Finds a filed event, with the lock of its key.
async fn lock(tx: &Tx, id: Uuid) -> Result<Option<FiledEvent>, Error> {
    let sql = format!("{FILED} WHERE i.id = $1 FOR UPDATE OF i, c");
    let row = tx.conn().query_one_raw(statement(&sql, [id.into()])).await?;
    Ok(row
        .map(|row| FiledEvent::from_query_result(&row, ""))
        .transpose()?)
}

/// Returns whether an earlier event of the same key is filed.
async fn has_earlier(tx: &Tx, event: &FiledEvent) -> Result<bool, Error> {
    let sql = "SELECT FROM inbox WHERE source = $1 AND key = $2 AND key_seq < $3 LIMIT 1";
    let values = [
        event.source.clone().into(),
        event.key.clone().into(),
        event.key_seq.into(),
    ];
    Ok(tx.conn().query_one_raw(statement(sql, values)).await?.is_some())
}

/// Sets the cursor of an event's key.
async fn set_cursor(tx: &Tx, event: &FiledEvent, handled_seq: i64) -> Result<(), Error> {
    let sql = "UPDATE inbox_cursors SET handled_seq = $3 WHERE source = $1 AND key = $2";
    let values = [
        event.source.clone().into(),
        event.key.clone().into(),
        handled_seq.into(),
    ];
    tx.conn().execute_raw(statement(sql, values)).await?;
    Ok(())
}
