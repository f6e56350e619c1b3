//! Table `ended_sessions`: sessions whose tokens register no more devices.

use carshare_store::Tx;
use sea_orm::{ConnectionTrait, raw_sql};

use crate::domain::ids::SessionId;
use crate::error::Error;

/// Serializes the transactions about one session. Without it, a registration and the end of its session that do not see each
/// other's uncommitted rows would leave the device behind.
pub async fn lock(tx: &Tx, session: SessionId) -> Result<(), Error> {
    let key = session.to_string();
    let lock = raw_sql!(
        Postgres,
        "SELECT pg_advisory_xact_lock(hashtextextended({key}, 0))"
    );
    tx.conn().execute_raw(lock).await?;
    Ok(())
}

/// Returns whether the session has ended.
pub async fn exists(tx: &Tx, session: SessionId) -> Result<bool, Error> {
    let id = session.0;
    let find = raw_sql!(Postgres, "SELECT 1 FROM ended_sessions WHERE session_id = {id}");
    Ok(tx.conn().query_one_raw(find).await?.is_some())
}

pub async fn insert(tx: &Tx, session: SessionId) -> Result<(), Error> {
    let (id, now) = (session.0, tx.now());
    let insert = raw_sql!(
        Postgres,
        "INSERT INTO ended_sessions (session_id, ended_at) VALUES ({id}, {now}) ON CONFLICT DO NOTHING"
    );
    tx.conn().execute_raw(insert).await?;
    Ok(())
}
