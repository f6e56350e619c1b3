//! Search for free cars near a point, in the order of the spatial index.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};
use uuid::Uuid;

use super::super::availabilities;
use super::super::columns::Columns;
use super::super::views::{PHOTOS_AND_OWNER, View};
use super::COLUMNS;
use crate::domain::{OpeningHours, PageKey, Query};
use crate::error::Result;

/// A car that is within the radius and not taken.
pub struct Candidate {
    pub view: View,
    pub opening_hours: OpeningHours,
    pub key: PageKey,
}

/// Lists up to `count` cars after the key that are within the radius and not taken, nearest first, regardless of their opening
/// hours.
pub async fn list_nearby(
    conn: &impl ConnectionTrait,
    query: &Query,
    after: Option<PageKey>,
    count: usize,
    now: DateTime<Utc>,
) -> Result<Vec<Candidate>> {
    let rows = conn.query_all_raw(statement(query, after, count, now)).await?;
    let radius = query.radius.chord_m();
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let candidate = read(row)?;
        if candidate.key.chord_m > radius {
            break;
        }
        found.push(candidate);
    }
    Ok(found)
}

fn read(row: &QueryResult) -> Result<Candidate> {
    let mut columns = Columns::of(row)?;
    let chord_m = columns.read()?;
    let view = View::read(&mut columns)?;
    Ok(Candidate {
        opening_hours: availabilities::read_opening_hours(&mut columns)?,
        key: PageKey {
            chord_m,
            id: view.vehicle.id,
        },
        view,
    })
}

/// The radius is left to the caller: as a condition it would make PostgreSQL sort everything within it, or scan the whole
/// index when fewer cars are within it than asked for.
///
/// The inner query is ordered by the distance only, so that the index supplies the order and the scan ends with the page.
/// `WITH TIES` keeps cars at equal distance together, and the query around it sorts them and takes the first ones. Photos,
/// rules and hosts are read for those only: hundreds of cars may stand at one address.
///
/// Occupancies of a car never overlap, so the first one that ends after the start of the period decides whether the car is
/// taken: all later ones begin after its end. Expired holds do not count and are passed over.
///
/// `count` is a literal: for a parameter PostgreSQL would plan for a tenth of all cars.
fn statement(query: &Query, after: Option<PageKey>, count: usize, now: DateTime<Utc>) -> Statement {
    let rules = availabilities::RULES;
    let sql = format!(
        "SELECT v.chord_m, {COLUMNS}, {PHOTOS_AND_OWNER}, {rules} FROM (SELECT * FROM ( \
            SELECT {COLUMNS}, v.location_point <-> (SELECT cube($1::float8[])) AS chord_m \
            FROM vehicles v \
            WHERE v.status = 'active' \
              AND (v.location_point <-> (SELECT cube($1::float8[])), v.id) > ($2::float8, $3::uuid) \
              AND coalesce(( \
                  SELECT lower(o.period) >= $5 FROM occupancies o \
                  WHERE o.vehicle_id = v.id AND upper(o.period) > $4 AND (o.expires_at IS NULL OR o.expires_at > $6) \
                  ORDER BY upper(o.period) LIMIT 1), true) \
            ORDER BY v.location_point <-> (SELECT cube($1::float8[])) \
            FETCH FIRST {count} ROWS WITH TIES \
        ) v ORDER BY v.chord_m, v.id LIMIT {count}) v ORDER BY v.chord_m, v.id"
    );
    let (after_m, after_id) = after.map_or((-1.0, Uuid::nil()), |key| (key.chord_m, key.id.0));
    let values = [
        query.center.to_cartesian().to_vec().into(),
        after_m.into(),
        after_id.into(),
        query.period.start().into(),
        query.period.end().into(),
        now.into(),
    ];
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

#[cfg(test)]
mod tests;
