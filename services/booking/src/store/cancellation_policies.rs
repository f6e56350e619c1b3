//! Table `cancellation_policies`: the versions of the platform's policy and of those of hosts.

use anyhow::Context as _;
use carshare_store::Tx;
use sea_orm::{ConnectionTrait, raw_sql};
use serde::Deserialize as _;
use uuid::Uuid;

use crate::domain::{CancellationPolicy, Steps, UserId};
use crate::error::Error;

/// Under this host the platform's own policy is stored.
const PLATFORM: UserId = UserId(Uuid::nil());

/// Finds the policy of new bookings of a host's cars: their own, or the platform's.
pub async fn find_current(conn: &impl ConnectionTrait, host: UserId) -> Result<CancellationPolicy, Error> {
    let row = conn
        .query_one_raw(raw_sql!(Postgres, "SELECT current_cancellation_policy({host.0})"))
        .await?;
    let row = row.context("no row").map_err(Error::internal)?;
    read(row.try_get_by_index(0)?)
}

/// Finds the platform's policy.
pub async fn find_platform(conn: &impl ConnectionTrait) -> Result<CancellationPolicy, Error> {
    find_current(conn, PLATFORM).await
}

/// Reads a policy as `current_cancellation_policy` returns it. One that does not convert is a defect.
pub fn read(stored: sea_orm::JsonValue) -> Result<CancellationPolicy, Error> {
    CancellationPolicy::deserialize(stored).map_err(Error::internal)
}

/// Locks the versions of a host until the transaction ends.
pub async fn lock(tx: &Tx, host: UserId) -> Result<(), Error> {
    let sql = raw_sql!(
        Postgres,
        "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.cancellation_policies.' || {host.0}, 0))"
    );
    tx.conn().execute_raw(sql).await?;
    Ok(())
}

/// Inserts the next version of a host's policy; without steps the platform's applies again. The caller has locked the versions.
pub async fn insert(tx: &Tx, host: UserId, steps: &Steps) -> Result<(), Error> {
    let (steps, now) = (serde_json::json!(steps), tx.now());
    let sql = raw_sql!(
        Postgres,
        r#"INSERT INTO cancellation_policies (host_id, version, steps, created_at)
           SELECT {host.0}, coalesce(max(version), 0) + 1, {steps}, {now}
           FROM cancellation_policies WHERE host_id = {host.0}"#
    );
    tx.conn().execute_raw(sql).await?;
    Ok(())
}
