//! The cars near a place that are free for a time, nearest first, straight from the spatial index.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, raw_sql};
use uuid::Uuid;

use crate::domain::{Cursor, Query, VehicleId};
use crate::error::Result;

/// A car that is near and not taken. Whether it is open is not said yet.
pub type Candidate = Cursor;

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    chord_m: f64,
}

/// At least the next `count` candidates after the cursor, if there are so many; a few more when several stand at one
/// place, so that a page never tears them apart.
pub async fn near(
    conn: &impl ConnectionTrait,
    query: &Query,
    after: Option<Cursor>,
    count: u64,
    now: DateTime<Utc>,
) -> Result<Vec<Candidate>> {
    let rows = Row::find_by_statement(statement(query, after, count, now))
        .all(conn)
        .await?;
    let radius = query.radius.chord_m();
    let within = rows.into_iter().take_while(|row| row.chord_m <= radius);
    Ok(within
        .map(|row| Candidate {
            chord_m: row.chord_m,
            id: VehicleId(row.id),
        })
        .collect())
}

/// The nearest cars, however far: the radius is left to the caller. As a condition here it would make PostgreSQL sort
/// everything within it, or walk on to the end of the index when there are fewer cars in it than asked for.
///
/// The inner query is ordered by nothing but the distance, so that the index gives the order and the scan ends with the
/// page. Cars at one distance come in any order from there: `WITH TIES` keeps them together, the outer query sorts them.
/// A hold past its time is not there, whether or not it was swept.
fn statement(query: &Query, after: Option<Cursor>, count: u64, now: DateTime<Utc>) -> Statement {
    let point = query.around.on_the_sphere().to_vec();
    let (start, end) = (query.period.start(), query.period.end());
    let (after_m, after_id) = after.map_or((-1.0, Uuid::nil()), |cursor| (cursor.chord_m, cursor.id.0));
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    raw_sql!(
        Postgres,
        r#"
        SELECT id, chord_m FROM (
            SELECT v.id, v.place <-> cube({point}::float8[]) AS chord_m
            FROM vehicles v
            WHERE v.status = 'active'
              AND (v.place <-> cube({point}::float8[]), v.id) > ({after_m}::float8, {after_id}::uuid)
              AND NOT EXISTS (
                  SELECT FROM occupancies o
                  WHERE o.vehicle_id = v.id
                    AND o.period && tstzrange({start}, {end})
                    AND (o.expires_at IS NULL OR o.expires_at > {now})
              )
            ORDER BY v.place <-> cube({point}::float8[])
            FETCH FIRST ({count}) ROWS WITH TIES
        ) nearest
        ORDER BY chord_m, id
        "#
    )
}

#[cfg(test)]
mod tests;
