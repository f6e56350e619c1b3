//! Search for free cars near a point, in the order of the spatial index.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, raw_sql};
use uuid::Uuid;

use crate::domain::{PageKey, Query, VehicleId};
use crate::error::Result;

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    chord_m: f64,
}

/// Lists at least `count` cars after the key that are within the radius and not taken, nearest first, regardless of their
/// opening hours. Cars at equal distance come together, so there may be a few more.
pub async fn list_nearby(
    conn: &impl ConnectionTrait,
    query: &Query,
    after: Option<PageKey>,
    count: u64,
    now: DateTime<Utc>,
) -> Result<Vec<PageKey>> {
    let rows = Row::find_by_statement(statement(query, after, count, now))
        .all(conn)
        .await?;
    let radius = query.radius.chord_m();
    let within = rows.into_iter().take_while(|row| row.chord_m <= radius);
    Ok(within
        .map(|row| PageKey {
            chord_m: row.chord_m,
            id: VehicleId(row.id),
        })
        .collect())
}

/// The radius is left to the caller: as a condition it would make PostgreSQL sort everything within it, or scan the whole
/// index when fewer cars are within it than asked for.
///
/// The inner query is ordered by the distance only, so that the index supplies the order and the scan ends with the page.
/// `WITH TIES` keeps cars at equal distance together, and the outer query sorts them. Expired holds do not count.
fn statement(query: &Query, after: Option<PageKey>, count: u64, now: DateTime<Utc>) -> Statement {
    let point = query.center.to_cartesian().to_vec();
    let (start, end) = (query.period.start(), query.period.end());
    let (after_m, after_id) = after.map_or((-1.0, Uuid::nil()), |key| (key.chord_m, key.id.0));
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    raw_sql!(
        Postgres,
        r#"
        SELECT id, chord_m FROM (
            SELECT v.id, v.location_point <-> cube({point}::float8[]) AS chord_m
            FROM vehicles v
            WHERE v.status = 'active'
              AND (v.location_point <-> cube({point}::float8[]), v.id) > ({after_m}::float8, {after_id}::uuid)
              AND NOT EXISTS (
                  SELECT FROM occupancies o
                  WHERE o.vehicle_id = v.id
                    AND o.period && tstzrange({start}, {end})
                    AND (o.expires_at IS NULL OR o.expires_at > {now})
              )
            ORDER BY v.location_point <-> cube({point}::float8[])
            FETCH FIRST ({count}) ROWS WITH TIES
        ) nearest
        ORDER BY chord_m, id
        "#
    )
}

#[cfg(test)]
mod tests;
