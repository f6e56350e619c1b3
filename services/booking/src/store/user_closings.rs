//! Table `user_closings`: users who can neither book nor be booked. A trigger on `bookings` refuses theirs.

use carshare_store::Tx;
use sea_orm::{ConnectionTrait, FromQueryResult, raw_sql};

use crate::domain::UserId;
use crate::error::Error;

/// The newest decided attempt to close a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Decided {
    pub attempt: i64,
    pub is_closed: bool,
}

/// Waits for insertions of bookings of the user, as guest or as host, and holds back others until the transaction ends. Statements after
/// this one see those bookings.
pub async fn lock(tx: &Tx, user: UserId) -> Result<(), Error> {
    let user = user.to_string();
    let lock = raw_sql!(
        Postgres,
        "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.closing.' || {user}, 0))"
    );
    tx.conn().execute_raw(lock).await?;
    Ok(())
}

pub async fn find(tx: &Tx, user: UserId) -> Result<Option<Decided>, Error> {
    let user = user.0;
    let find = raw_sql!(
        Postgres,
        "SELECT attempt, closed_at IS NOT NULL AS is_closed FROM user_closings WHERE user_id = {user}"
    );
    Ok(Decided::find_by_statement(find).one(tx.conn()).await?)
}

/// Returns whether a user of these is closed.
pub async fn is_any_closed(conn: &impl ConnectionTrait, users: [UserId; 2]) -> Result<bool, Error> {
    let users = users.map(|user| user.0).to_vec();
    let find = raw_sql!(
        Postgres,
        "SELECT 1 FROM user_closings WHERE user_id = ANY({users}::uuid[]) AND closed_at IS NOT NULL LIMIT 1"
    );
    Ok(conn.query_one_raw(find).await?.is_some())
}

/// Counts the bookings of a user, as guest or as host, that need both sides: live ones, and those of which a refund is known to be unfinished,
/// by a cancellation or by an earlier change. Claims that are not decided or paid count as bookings do.
pub async fn count_open_bookings(tx: &Tx, user: UserId) -> Result<i64, Error> {
    let user = user.0;
    let count = raw_sql!(
        Postgres,
        r#"SELECT (SELECT count(*) FROM booking_claims WHERE (guest_id = {user} OR host_id = {user})
               AND status IN ('open', 'objected', 'awaiting_payment'))
           + (SELECT count(*) FROM bookings WHERE (guest_id = {user} OR host_id = {user})
           AND (status IN ('pending', 'approved', 'active')
                OR status = 'cancelled' AND payment_status = 'paid'
                    AND refunded_of(refunded_krw, charges) < refund_krw + coalesce((charges ->> 'lowered_krw')::bigint, 0)
                OR status = 'completed' AND payment_status = 'paid' AND charges IS NOT NULL
                    AND refunded_of(refunded_krw, charges) < (charges ->> 'lowered_krw')::bigint))"#
    );
    let row = tx.conn().query_one_raw(count).await?;
    let row = row.ok_or_else(|| Error::internal(anyhow::anyhow!("a count returned no row")))?;
    Ok(row.try_get_by_index(0)?)
}

/// Stores the decision of an attempt. The caller has locked the user.
pub async fn upsert(tx: &Tx, user: UserId, decided: Decided) -> Result<(), Error> {
    let (user, attempt) = (user.0, decided.attempt);
    let closed_at = decided.is_closed.then(|| tx.now());
    let upsert = raw_sql!(
        Postgres,
        r#"INSERT INTO user_closings (user_id, attempt, closed_at) VALUES ({user}, {attempt}, {closed_at})
           ON CONFLICT (user_id) DO UPDATE SET attempt = excluded.attempt, closed_at = excluded.closed_at"#
    );
    tx.conn().execute_raw(upsert).await?;
    Ok(())
}
