//! Encrypts sealed values again with the primary key, so that an older key can be removed from the configuration.
//!
//! Safe at any time: values are replaced in batches, each in a transaction of its own, and only if nobody has changed them since they
//! were read. So it may be ended and started again, run twice at a time, and run while processes of either key write.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use carshare_chassis::encryption::Sealer;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use crate::db::Db;
use crate::error::Error;
use crate::transaction::Tx;

/// Values read and replaced at a time.
const BATCH_SIZE: usize = 200;
/// Passes over the values, while processes with an older primary key write further ones.
const MAX_PASSES: usize = 5;

/// A column of values that a [`Sealer`] has encrypted.
#[derive(Debug)]
pub struct SealedColumn {
    /// Name of the table.
    pub table: &'static str,
    /// Name of its primary key, which is one column.
    pub key: &'static str,
    /// Type of that: `uuid`.
    pub key_type: &'static str,
    /// Name of the column; null where there is no value.
    pub column: &'static str,
    /// The place to which a value is bound is `<place>/<primary key>`.
    pub place: &'static str,
}

/// A value as it was read.
struct Value {
    key: String,
    sealed: Vec<u8>,
}

/// Values to replace.
struct Batch {
    column: &'static SealedColumn,
    keys: Vec<String>,
    old: Vec<Vec<u8>>,
    new: Vec<Vec<u8>>,
}

/// Encrypts every value of `columns` with the primary key, and logs how many there are by key.
///
/// # Errors
/// Values of other keys are left: they cannot be decrypted, or processes with an older primary key still write. The key must stay.
pub async fn reseal(db: &Db, sealer: &Sealer, columns: &'static [SealedColumn]) -> Result<()> {
    let mut remaining = 0;
    for _ in 0..MAX_PASSES {
        let mut replaced = 0;
        for column in columns {
            replaced += replace_all(db, sealer, column).await?;
        }
        remaining = count_others(db, sealer, columns).await?;
        if remaining == 0 || replaced == 0 {
            break;
        }
    }
    ensure!(
        remaining == 0,
        "{remaining} values are not sealed with the key {}: keep the other keys, and run it again when every process has this seal.primary",
        sealer.primary()
    );
    Ok(())
}

/// Makes one pass over a column, and returns how many values were replaced.
async fn replace_all(db: &Db, sealer: &Sealer, column: &'static SealedColumn) -> Result<u64> {
    let mut replaced = 0;
    let mut after: Option<String> = None;
    loop {
        let values = read(db, sealer, column, after.as_deref()).await?;
        let Some(last) = values.last() else {
            break;
        };
        after = Some(last.key.clone());
        let batch = seal_again(sealer, column, values);
        replaced += db.transaction("reseal.replace", batch, replace).await?;
    }
    let (table, column) = (column.table, column.column);
    tracing::info!(table, column, replaced, "values sealed again");
    Ok(replaced)
}

/// Reads the next values of other keys, in the order of the primary key.
async fn read(
    db: &Db,
    sealer: &Sealer,
    column: &SealedColumn,
    after: Option<&str>,
) -> Result<Vec<Value>, Error> {
    let SealedColumn {
        table,
        key,
        key_type,
        column,
        ..
    } = column;
    let mut values = vec![sealer.primary_prefix().into()];
    let mut later = String::new();
    if let Some(after) = after {
        values.push(after.into());
        later = format!("AND {key} > CAST($2 AS {key_type})");
    }
    let sql = format!(
        "SELECT {key}::text AS key, {column} AS sealed FROM {table} \
         WHERE {column} IS NOT NULL AND substr({column}, 1, octet_length($1)) <> $1 {later} \
         ORDER BY {key} LIMIT {BATCH_SIZE}"
    );
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let rows = db.conn().query_all_raw(statement).await?;
    let value = |row: &sea_orm::QueryResult| {
        Ok(Value {
            key: row.try_get("", "key")?,
            sealed: row.try_get("", "sealed")?,
        })
    };
    rows.iter().map(value).collect()
}

/// Seals values with the primary key. One that cannot be opened is logged and left.
fn seal_again(sealer: &Sealer, column: &'static SealedColumn, values: Vec<Value>) -> Batch {
    let mut batch = Batch {
        column,
        keys: Vec::new(),
        old: Vec::new(),
        new: Vec::new(),
    };
    for Value { key, sealed } in values {
        let place = format!("{}/{key}", column.place);
        let opened = sealer.open(&place, &sealed);
        match opened.and_then(|plain| sealer.seal(&place, &plain)) {
            Ok(new) => {
                batch.keys.push(key);
                batch.old.push(sealed);
                batch.new.push(new);
            }
            Err(error) => {
                let (table, column) = (column.table, column.column);
                tracing::error!(
                    table,
                    column,
                    key,
                    error = format!("{error:#}"),
                    "value not sealed again"
                );
            }
        }
    }
    batch
}

/// Replaces the values that nobody has changed since.
async fn replace(tx: &Tx, batch: &Batch) -> Result<u64, Error> {
    let SealedColumn {
        table,
        key,
        key_type,
        column,
        ..
    } = batch.column;
    let sql = format!(
        "UPDATE {table} SET {column} = batch.new FROM unnest($1::text[], $2::bytea[], $3::bytea[]) AS batch (key, old, new) \
         WHERE {table}.{key} = CAST(batch.key AS {key_type}) AND {table}.{column} = batch.old"
    );
    let values = [
        batch.keys.clone().into(),
        batch.old.clone().into(),
        batch.new.clone().into(),
    ];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(tx.conn().execute_raw(statement).await?.rows_affected())
}

/// Logs the number of values of each key, and returns that of all keys but the primary one.
async fn count_others(db: &Db, sealer: &Sealer, columns: &[SealedColumn]) -> Result<i64> {
    let mut others = 0;
    for SealedColumn { table, column, .. } in columns {
        // Version, length of the id, id: as `Sealer` writes it.
        let sql = format!(
            "SELECT convert_from(substr({column}, 3, get_byte({column}, 1)), 'UTF8') AS key, count(*) AS count \
             FROM {table} WHERE {column} IS NOT NULL GROUP BY 1"
        );
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        let rows = db.conn().query_all_raw(statement).await.map_err(Error::from);
        let mut counts = BTreeMap::new();
        for row in rows.with_context(|| format!("cannot count the values of {table}.{column}"))? {
            let key: String = row.try_get("", "key").map_err(Error::from)?;
            counts.insert(key, row.try_get::<i64>("", "count").map_err(Error::from)?);
        }
        for (key, count) in counts {
            tracing::info!(table, column, key, count, "sealed values");
            others += if key == sealer.primary() { 0 } else { count };
        }
    }
    Ok(others)
}
