//! Search for free cars near a point, in the order of a spatial index.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};
use uuid::Uuid;

use super::super::availabilities;
use super::super::columns::Columns;
use super::super::views::{PHOTOS_AND_OWNER, View};
use super::COLUMNS;
use crate::domain::{Fuel, OpeningHours, PageKey, Query, SearchFilter, SearchOrder, Transmission, VehicleId};
use crate::error::Result;

/// A car that is within the radius and not taken.
pub struct Candidate {
    pub view: View,
    pub opening_hours: OpeningHours,
    pub key: PageKey,
}

/// Lists up to `count` cars after the key that are within the radius, not taken and pass the filter, in the order of the query,
/// regardless of their opening hours.
pub async fn list_nearby(
    conn: &impl ConnectionTrait,
    query: &Query,
    after: Option<PageKey>,
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
            hourly_rate_krw: view.vehicle.hourly_rate_krw,
            chord_m,
            id: view.vehicle.id,
        },
        view,
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
fn nearest(query: &Query, after: Option<PageKey>, count: usize, now: DateTime<Utc>) -> Statement {
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

/// Selects by a filter or cheapest first, by the function `search_vehicles`: it does not leave the radius, however few cars pass
/// the filter.
fn refined(query: &Query, after: Option<PageKey>, count: usize, now: DateTime<Utc>) -> Statement {
    let rules = availabilities::RULES;
    let by_rate = query.order == SearchOrder::HourlyRate;
    let order = if by_rate {
        "v.hourly_rate_krw, f.found_m, v.id"
    } else {
        "f.found_m, v.id"
    };
    let sql = format!(
        "SELECT f.found_m, {COLUMNS}, {PHOTOS_AND_OWNER}, {rules} \
         FROM search_vehicles(cube($1::float8[]), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) f \
         JOIN vehicles v ON v.id = f.found_id ORDER BY {order}"
    );
    let after = after.unwrap_or(PageKey {
        hourly_rate_krw: 0,
        chord_m: -1.0,
        id: VehicleId(Uuid::nil()),
    });
    let filter = query.filter;
    let values = [
        query.center.to_cartesian().to_vec().into(),
        query.radius.chord_m().into(),
        by_rate.into(),
        after.hourly_rate_krw.into(),
        after.chord_m.into(),
        after.id.0.into(),
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
