//! Search for free cars near a point, in the order of a spatial index.

use carshare_chassis::pagination::SortKey;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};
use uuid::Uuid;

use super::super::availabilities;
use super::super::columns::Columns;
use super::super::views::{EXTRAS, View};
use super::COLUMNS;
use crate::domain::{Fuel, OpeningHours, Query, SearchFilter, SearchOrder, Transmission};
use crate::error::Result;

/// A car that is within the radius and not taken.
pub struct Candidate {
    pub view: View,
    pub opening_hours: OpeningHours,
    /// Straight distance from the centre in metres.
    pub chord_m: f64,
}

impl Candidate {
    /// Returns the key after which the next page starts. It has no distance, which would tell the exact place: the distance is that of
    /// the car with this id when the next page is read.
    pub fn sort_key(&self) -> SortKey {
        SortKey {
            number: self.view.vehicle.hourly_rate_krw,
            id: self.view.vehicle.id.0,
        }
    }
}

/// The distance of the car `$2` after which the page starts, computed as that of every other car; -1 on the first page.
const AFTER_M: &str =
    "coalesce((SELECT a.location_point <-> cube($1::float8[]) FROM vehicles a WHERE a.id = $2::uuid), -1)";

/// Lists up to `count` cars after the key that are within the radius, not taken and pass the filter, in the order of the query,
/// regardless of their opening hours.
pub async fn list_nearby(
    conn: &impl ConnectionTrait,
    query: &Query,
    after: Option<SortKey>,
    count: usize,
    now: DateTime<Utc>,
) -> Result<Vec<Candidate>> {
    let is_plain = query.order == SearchOrder::Distance && query.filter == SearchFilter::default();
    let statement = if is_plain { nearest } else { refined };
    let rows = conn.query_all_raw(statement(query, after, count, now)).await?;
    let radius = query.radius.chord_m();
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let candidate = read(row)?;
        if candidate.chord_m > radius {
            break;
        }
        found.push(candidate);
    }
    Ok(found)
}

fn read(row: &QueryResult) -> Result<Candidate> {
    let mut columns = Columns::of(row)?;
    let chord_m = columns.read()?;
    Ok(Candidate {
        view: View::read(&mut columns)?,
        opening_hours: availabilities::read_opening_hours(&mut columns)?,
        chord_m,
    })
}

/// Selects cars of every kind, nearest first.
///
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
fn nearest(query: &Query, after: Option<SortKey>, count: usize, now: DateTime<Utc>) -> Statement {
    let rules = availabilities::RULES;
    let sql = format!(
        "SELECT v.chord_m, {COLUMNS}, {EXTRAS}, {rules} FROM (SELECT * FROM ( \
            SELECT {COLUMNS}, v.location_point <-> (SELECT cube($1::float8[])) AS chord_m \
            FROM vehicles v \
            WHERE v.status = 'active' \
              AND (v.location_point <-> (SELECT cube($1::float8[])), v.id) > ({AFTER_M}, $2::uuid) \
              AND coalesce(( \
                  SELECT lower(o.period) >= $4 FROM occupancies o \
                  WHERE o.vehicle_id = v.id AND upper(o.period) > $3 AND (o.expires_at IS NULL OR o.expires_at > $5) \
                  ORDER BY upper(o.period) LIMIT 1), true) \
            ORDER BY v.location_point <-> (SELECT cube($1::float8[])) \
            FETCH FIRST {count} ROWS WITH TIES \
        ) v ORDER BY v.chord_m, v.id LIMIT {count}) v ORDER BY v.chord_m, v.id"
    );
    let values = [
        query.center.to_cartesian().to_vec().into(),
        after.map_or(Uuid::nil(), |key| key.id).into(),
        query.period.start().into(),
        query.period.end().into(),
        now.into(),
    ];
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

/// Selects by a filter or cheapest first, by the function `search_vehicles`: it does not leave the radius, however few cars pass
/// the filter.
fn refined(query: &Query, after: Option<SortKey>, count: usize, now: DateTime<Utc>) -> Statement {
    let rules = availabilities::RULES;
    let by_rate = query.order == SearchOrder::HourlyRate;
    let order = if by_rate {
        "v.hourly_rate_krw, f.found_m, v.id"
    } else {
        "f.found_m, v.id"
    };
    let sql = format!(
        "SELECT f.found_m, {COLUMNS}, {EXTRAS}, {rules} \
         FROM search_vehicles(cube($1::float8[]), $3, $4, $5, {AFTER_M}, $2, $6, $7, $8, $9, $10, $11, $12) f \
         JOIN vehicles v ON v.id = f.found_id ORDER BY {order}"
    );
    let after = after.unwrap_or(SortKey {
        number: 0,
        id: Uuid::nil(),
    });
    let filter = query.filter;
    let values = [
        query.center.to_cartesian().to_vec().into(),
        after.id.into(),
        query.radius.chord_m().into(),
        by_rate.into(),
        after.number.into(),
        query.period.start().into(),
        query.period.end().into(),
        now.into(),
        filter.fuel.map(Fuel::as_str).into(),
        filter.transmission.map(Transmission::as_str).into(),
        filter.max_hourly_rate_krw.into(),
        (count as i64).into(),
    ];
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

#[cfg(test)]
mod tests;
