//! Statements on the cursors of keys: the number of the last handled event of each.

use std::collections::{HashMap, HashSet};

use sea_orm::ConnectionTrait as _;

use super::inbox::statement;
use crate::error::Error;
use crate::transaction::Tx;

/// The cursor of a key, locked by this transaction or new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Number of the last handled event.
    pub(super) handled_seq: i64,
    /// Events of the key wait in the inbox.
    pub(super) has_filed: bool,
    stored: Stored,
}

/// How a cursor stands in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    /// It has no row.
    No,
    AsIs,
    /// It has moved since it was read.
    Behind,
}

impl Cursor {
    /// The cursor of a new key whose event `handled_seq` is handled now.
    pub(super) fn new(handled_seq: i64) -> Self {
        Self {
            handled_seq,
            has_filed: false,
            stored: Stored::No,
        }
    }

    /// The cursor of a row that is locked.
    pub(super) fn locked(handled_seq: i64, has_filed: bool) -> Self {
        Self {
            handled_seq,
            has_filed,
            stored: Stored::AsIs,
        }
    }

    /// Moves past the next event.
    pub(super) fn advance(&mut self) {
        self.handled_seq += 1;
        if self.stored == Stored::AsIs {
            self.stored = Stored::Behind;
        }
    }
}

/// Consecutive events of one key in a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) key: String,
    pub(super) first: i64,
    pub(super) last: i64,
}

/// Moves the cursors of the keys whose next event is the first of its run, nothing of which is filed, to the last one, and
/// returns those keys. Their cursors are locked: the transaction handles the runs or is rolled back. Cursors that another
/// transaction holds are left out. For the rest of the transaction `lock_timeout` is as given.
pub(super) async fn take_turns(
    tx: &Tx,
    source: &'static str,
    runs: &[Run],
    lock_timeout: &'static str,
) -> Result<HashSet<String>, Error> {
    // The first part is executed first: a new key may have to wait for another transaction that inserts it.
    let sql = "WITH run AS MATERIALIZED ( \
            SELECT * FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS run (key, first, last)), \
        turn AS MATERIALIZED ( \
            SELECT c.key, run.last FROM run JOIN inbox_cursors c ON c.source = $1 AND c.key = run.key \
            WHERE c.handled_seq = run.first - 1 AND NOT EXISTS ( \
                SELECT FROM inbox i WHERE i.source = c.source AND i.key = c.key) \
            ORDER BY c.key FOR UPDATE OF c SKIP LOCKED), \
        moved AS ( \
            UPDATE inbox_cursors c SET handled_seq = turn.last FROM turn \
            WHERE c.source = $1 AND c.key = turn.key RETURNING c.key), \
        made AS ( \
            INSERT INTO inbox_cursors (source, key, handled_seq) \
            SELECT $1, key, last FROM run WHERE first = 1 ORDER BY key ON CONFLICT DO NOTHING RETURNING key) \
        SELECT nullif(set_config('lock_timeout', $5, true), $5) AS key \
        UNION ALL SELECT key FROM moved UNION ALL SELECT key FROM made";
    let numbers = |number: fn(&Run) -> i64| runs.iter().map(number).collect::<Vec<i64>>();
    let values = [
        source.into(),
        runs.iter()
            .map(|run| run.key.clone())
            .collect::<Vec<String>>()
            .into(),
        numbers(|run| run.first).into(),
        numbers(|run| run.last).into(),
        lock_timeout.into(),
    ];
    let rows = tx.conn().query_all_raw(statement(sql, values)).await?;
    let keys = rows.iter().map(|row| row.try_get::<Option<String>>("", "key"));
    Ok(keys
        .filter_map(Result::transpose)
        .collect::<Result<_, sea_orm::DbErr>>()?)
}

/// Returns the numbers of the last handled events.
pub(super) async fn handled(
    tx: &Tx,
    source: &'static str,
    keys: Vec<String>,
) -> Result<HashMap<String, i64>, Error> {
    let sql = "SELECT key, handled_seq FROM inbox_cursors WHERE source = $1 AND key = ANY($2)";
    let rows = tx
        .conn()
        .query_all_raw(statement(sql, [source.into(), keys.into()]))
        .await?;
    rows.iter()
        .map(|row| Ok((row.try_get("", "key")?, row.try_get("", "handled_seq")?)))
        .collect()
}

/// Locks the cursors of `keys` in their order. With `skip_locked` those that another transaction holds are left out, as are
/// keys without a cursor.
pub(super) async fn lock(
    tx: &Tx,
    source: &'static str,
    keys: Vec<String>,
    skip_locked: bool,
) -> Result<HashMap<String, Cursor>, Error> {
    let skip = if skip_locked { "SKIP LOCKED" } else { "" };
    let sql = format!(
        "SELECT c.key, c.handled_seq, \
            EXISTS (SELECT FROM inbox i WHERE i.source = c.source AND i.key = c.key) AS has_filed \
         FROM inbox_cursors c WHERE c.source = $1 AND c.key = ANY($2) ORDER BY c.key FOR UPDATE OF c {skip}"
    );
    let rows = tx
        .conn()
        .query_all_raw(statement(&sql, [source.into(), keys.into()]))
        .await?;
    rows.iter()
        .map(|row| {
            let cursor = Cursor::locked(row.try_get("", "handled_seq")?, row.try_get("", "has_filed")?);
            Ok((row.try_get("", "key")?, cursor))
        })
        .collect()
}

/// Stores the cursors that have moved. A new key that another transaction has stored meanwhile is an error: both handled its
/// first event.
pub(super) async fn store(
    tx: &Tx,
    source: &'static str,
    cursors: HashMap<String, Cursor>,
) -> Result<(), Error> {
    let insert = "INSERT INTO inbox_cursors (source, key, handled_seq) \
        SELECT $1, key, handled_seq FROM unnest($2::text[], $3::bigint[]) AS moved (key, handled_seq)";
    let update = "UPDATE inbox_cursors SET handled_seq = moved.handled_seq \
        FROM unnest($2::text[], $3::bigint[]) AS moved (key, handled_seq) \
        WHERE inbox_cursors.source = $1 AND inbox_cursors.key = moved.key";
    for (sql, stored) in [(insert, Stored::No), (update, Stored::Behind)] {
        let (keys, numbers): (Vec<String>, Vec<i64>) = cursors
            .iter()
            .filter(|(_, cursor)| cursor.stored == stored)
            .map(|(key, cursor)| (key.clone(), cursor.handled_seq))
            .unzip();
        if !keys.is_empty() {
            let values = [source.into(), keys.into(), numbers.into()];
            tx.conn().execute_raw(statement(sql, values)).await?;
        }
    }
    Ok(())
}
