//! Numbers of live bookings by state.

use sea_orm::{ConnectionTrait, FromQueryResult, raw_sql};

use crate::error::Error;

/// States of a booking that has not ended. An approved one is `awaiting_payment` until it is paid, then `confirmed`.
pub const LIVE_STATES: [&str; 4] = ["pending", "awaiting_payment", "confirmed", "active"];

/// Counts the live bookings in each of [`LIVE_STATES`]. It reads a partial index, not the bookings that have ended.
pub async fn count_live(conn: &impl ConnectionTrait) -> Result<[(&'static str, i64); 4], Error> {
    #[derive(FromQueryResult)]
    struct Row {
        state: String,
        count: i64,
    }
    let counted = Row::find_by_statement(raw_sql!(
        Postgres,
        r#"SELECT CASE WHEN status <> 'approved' THEN status WHEN payment_status = 'pending' THEN 'awaiting_payment' ELSE 'confirmed' END
                      AS state, count(*) AS count
           FROM bookings WHERE status IN ('pending', 'approved', 'active') GROUP BY 1"#
    ));
    let rows = counted.all(conn).await?;
    Ok(LIVE_STATES.map(|state| {
        let row = rows.iter().find(|row| row.state == state);
        (state, row.map_or(0, |row| row.count))
    }))
}
