//! Columns `disabled_at` and `disabled_reason` of the table `users`.

use carshare_store::Tx;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, raw_sql};

use crate::domain::UserId;
use crate::error::Error;

/// That an admin disabled an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disabled {
    pub at: DateTime<Utc>,
    pub reason: String,
}

#[derive(FromQueryResult)]
struct Row {
    disabled_at: Option<DateTime<Utc>>,
    disabled_reason: Option<String>,
}

/// Returns whether an account is disabled, which stays so until the transaction ends.
pub async fn lock(conn: &impl ConnectionTrait, user: UserId) -> Result<Option<Disabled>, Error> {
    let id = user.0;
    let row = Row::find_by_statement(raw_sql!(
        Postgres,
        "SELECT disabled_at, disabled_reason FROM users WHERE id = {id} FOR SHARE"
    ));
    Ok(row.one(conn).await?.and_then(|row| {
        Some(Disabled {
            at: row.disabled_at?,
            reason: row.disabled_reason?,
        })
    }))
}

/// Disables or enables an account. The caller has locked it.
pub async fn update(tx: &Tx, user: UserId, disabled: Option<&Disabled>) -> Result<(), Error> {
    let id = user.0;
    let (at, reason) = (
        disabled.map(|disabled| disabled.at),
        disabled.map(|disabled| disabled.reason.clone()),
    );
    tx.conn()
        .execute_raw(raw_sql!(
            Postgres,
            "UPDATE users SET disabled_at = {at}, disabled_reason = {reason} WHERE id = {id}"
        ))
        .await?;
    Ok(())
}
