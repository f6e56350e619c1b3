//! Table `login_attempts`: failures and successes by account and client address.

use carshare_store::Tx;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, raw_sql};

use crate::domain::UserId;
use crate::domain::audit::AccountHash;
use crate::domain::login_attempt::Failures;
use crate::error::Error;

/// The address of the counter of all addresses without a success.
pub const UNKNOWN: &str = "";

/// A stored row.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Row {
    pub address: String,
    failures: i32,
    retry_at: Option<DateTime<Utc>>,
    failed_at: Option<DateTime<Utc>>,
    pub succeeded_at: Option<DateTime<Utc>>,
}

impl Row {
    pub fn failures(&self) -> Failures {
        Failures {
            count: self.failures.cast_unsigned(),
            retry_at: self.retry_at,
            failed_at: self.failed_at,
        }
    }
}

/// Lists the rows of an account for an address and for a shared counter.
pub async fn list(
    conn: &impl ConnectionTrait,
    account: AccountHash,
    address: &str,
    shared: &str,
) -> Result<Vec<Row>, Error> {
    let account = account.0.to_vec();
    let rows = Row::find_by_statement(raw_sql!(
        Postgres,
        r#"SELECT address, failures, retry_at, failed_at, succeeded_at FROM login_attempts
           WHERE account = {account} AND address IN ({address}, {shared})"#
    ));
    Ok(rows.all(conn).await?)
}

/// Takes the attempt that is due since `retry_at`, until `until`; `false` when another one took it.
pub async fn claim(
    conn: &impl ConnectionTrait,
    account: AccountHash,
    address: &str,
    retry_at: Option<DateTime<Utc>>,
    until: DateTime<Utc>,
) -> Result<bool, Error> {
    let account = account.0.to_vec();
    let claimed = conn.execute_raw(raw_sql!(
        Postgres,
        r#"UPDATE login_attempts SET retry_at = {until}
           WHERE account = {account} AND address = {address} AND retry_at = {retry_at}"#
    ));
    Ok(claimed.await?.rows_affected() == 1)
}

/// Counts a failure and returns the number of consecutive ones since `begin`. The row stays locked until the transaction ends.
pub async fn count_failure(
    tx: &Tx,
    account: AccountHash,
    address: &str,
    begin: DateTime<Utc>,
) -> Result<u32, Error> {
    let (account, now) = (account.0.to_vec(), tx.now());
    let counted = raw_sql!(
        Postgres,
        r#"INSERT INTO login_attempts AS l (account, address, failures, failed_at)
           VALUES ({account}, {address}, 1, {now})
           ON CONFLICT (account, address) DO UPDATE SET
               failures = CASE WHEN l.failed_at >= {begin} THEN LEAST(l.failures, 1000000) + 1 ELSE 1 END,
               failed_at = {now}
           RETURNING failures"#
    );
    let row = tx.conn().query_one_raw(counted).await?;
    let failures: Option<i32> = row.map(|row| row.try_get_by_index(0)).transpose()?;
    Ok(failures.unwrap_or_default().cast_unsigned())
}

/// Sets the time of the next attempt.
pub async fn set_retry_at(
    tx: &Tx,
    account: AccountHash,
    address: &str,
    retry_at: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    let account = account.0.to_vec();
    tx.conn()
        .execute_raw(raw_sql!(
            Postgres,
            "UPDATE login_attempts SET retry_at = {retry_at} WHERE account = {account} AND address = {address}"
        ))
        .await?;
    Ok(())
}

/// Records a success: the failures of the address are forgotten, and it is known from now on. Those of the counter `own`, of a signed-in user,
/// are forgotten too.
///
/// The address is not, if the account has not verified its e-mail address: anybody can register one, and would end by its logins the delays of
/// their guesses at the owner's password.
pub async fn succeed(
    tx: &Tx,
    account: AccountHash,
    address: &str,
    own: Option<&str>,
    user: UserId,
) -> Result<(), Error> {
    let (account, now, user) = (account.0.to_vec(), tx.now(), user.0);
    tx.conn()
        .execute_raw(raw_sql!(
            Postgres,
            r#"WITH forgotten AS (DELETE FROM login_attempts WHERE account = {account} AND address = {own})
               INSERT INTO login_attempts (account, address, failures, succeeded_at)
               SELECT {account}, {address}, 0, {now} FROM users WHERE id = {user} AND is_verified
               ON CONFLICT (account, address) DO UPDATE SET
                   failures = 0, retry_at = NULL, failed_at = NULL, succeeded_at = {now}"#
        ))
        .await?;
    Ok(())
}
