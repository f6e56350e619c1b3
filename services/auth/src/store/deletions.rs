//! Columns `deletion_requested_at` and `deletion_attempt` of the table `users`, and the deletion of rows.

use carshare_store::Tx;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, raw_sql};
use uuid::Uuid;

use crate::domain::{Email, UserId};
use crate::error::Error;

/// A requested deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Deletion {
    user_id: Uuid,
    /// Number among the attempts of the account.
    pub attempt: i64,
}

impl Deletion {
    pub fn user(&self) -> UserId {
        UserId(self.user_id)
    }
}

/// Requests a deletion, in place of an earlier one that is not decided. `None` if there is no such account.
pub async fn request(tx: &Tx, user: UserId) -> Result<Option<Deletion>, Error> {
    let (id, now) = (user.0, tx.now());
    let request = Deletion::find_by_statement(raw_sql!(
        Postgres,
        r#"UPDATE users SET deletion_requested_at = {now}, deletion_attempt = deletion_attempt + 1
           WHERE id = {id} RETURNING id AS user_id, deletion_attempt AS attempt"#
    ));
    Ok(request.one(tx.conn()).await?)
}

/// Withdraws a deletion, unless a later one has been requested. `false` if there is nothing to withdraw.
pub async fn withdraw(tx: &Tx, deletion: &Deletion) -> Result<bool, Error> {
    let Deletion { user_id, attempt } = *deletion;
    let withdraw = raw_sql!(
        Postgres,
        r#"UPDATE users SET deletion_requested_at = NULL
           WHERE id = {user_id} AND deletion_attempt = {attempt} AND deletion_requested_at IS NOT NULL"#
    );
    Ok(tx.conn().execute_raw(withdraw).await?.rows_affected() > 0)
}

/// Lists up to `limit` deletions requested by `time`, the oldest first.
pub async fn list(
    conn: &impl ConnectionTrait,
    time: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Deletion>, Error> {
    let list = Deletion::find_by_statement(raw_sql!(
        Postgres,
        r#"SELECT id AS user_id, deletion_attempt AS attempt FROM users
           WHERE deletion_requested_at <= {time} ORDER BY deletion_requested_at LIMIT {limit}"#
    ));
    Ok(list.all(conn).await?)
}

/// Deletes an account with its sessions, mails and second factor. The caller has locked it and its e-mail address, which the first other
/// account that was registered with it holds from now on. Attempts to sign in are forgotten if there is none.
pub async fn delete_account(tx: &Tx, user: UserId, email: &Email) -> Result<(), Error> {
    let (id, email) = (user.0, email.as_str());
    let delete = raw_sql!(Postgres, "DELETE FROM users WHERE id = {id}");
    tx.conn().execute_raw(delete).await?;
    let hold = raw_sql!(
        Postgres,
        r#"UPDATE users SET email = provisional_email, provisional_email = NULL
           WHERE id = (SELECT id FROM users WHERE provisional_email = {email} ORDER BY created_at, id LIMIT 1)
             AND NOT EXISTS (SELECT FROM users WHERE email = {email})"#
    );
    tx.conn().execute_raw(hold).await?;
    // The security record has the hash of the address, also one with an earlier key. With another account of the address, its delays
    // would end.
    let forget = raw_sql!(
        Postgres,
        r#"DELETE FROM login_attempts WHERE account IN (SELECT account FROM audit_events WHERE user_id = {id})
             AND NOT EXISTS (SELECT FROM users WHERE email = {email} OR provisional_email = {email})"#
    );
    tx.conn().execute_raw(forget).await?;
    Ok(())
}
