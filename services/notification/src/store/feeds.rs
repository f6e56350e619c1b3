//! Table `feeds`: the last position of each user's feed, and whether it is closed. [`super::notifications::insert`] allots positions.

use carshare_store::Tx;
use sea_orm::{ConnectionTrait, FromQueryResult, raw_sql};

use crate::domain::ids::UserId;
use crate::error::Error;

/// Returns the last position of a feed; 0 before the first notification.
pub async fn find_last_seq(conn: &impl ConnectionTrait, user: UserId) -> Result<i64, Error> {
    #[derive(FromQueryResult)]
    struct Last {
        last_seq: i64,
    }
    let user_id = user.0;
    let last = Last::find_by_statement(raw_sql!(
        Postgres,
        "SELECT last_seq FROM feeds WHERE user_id = {user_id}"
    ));
    Ok(last.one(conn).await?.map_or(0, |row| row.last_seq))
}

/// Closes the feed of a deleted user, also one that does not exist yet. No notification is inserted after that.
pub async fn close(tx: &Tx, user: UserId) -> Result<(), Error> {
    let (user_id, now) = (user.0, tx.now());
    let close = raw_sql!(
        Postgres,
        r#"INSERT INTO feeds (user_id, last_seq, closed_at) VALUES ({user_id}, 0, {now})
           ON CONFLICT (user_id) DO UPDATE SET closed_at = COALESCE(feeds.closed_at, {now})"#
    );
    tx.conn().execute_raw(close).await?;
    Ok(())
}

/// Returns whether the user was deleted.
pub async fn is_closed(tx: &Tx, user: UserId) -> Result<bool, Error> {
    let user_id = user.0;
    let find = raw_sql!(
        Postgres,
        "SELECT 1 FROM feeds WHERE user_id = {user_id} AND closed_at IS NOT NULL"
    );
    Ok(tx.conn().query_one_raw(find).await?.is_some())
}
