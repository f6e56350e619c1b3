//! `SearchVehicles`: the cars near a point that can be booked for a whole period, nearest or cheapest first.
//!
//! A car is returned if and only if a booking of it would succeed: periods that no booking may have are refused by the rules
//! and with the reasons of `CreateBooking`. The database excludes cars that are taken; the opening hours
//! are evaluated here, batch by batch, until a page is full.

use carshare_chassis::Error as ChassisError;
use carshare_chassis::pagination::{self, PageRequest};
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1::ErrorReason as Booking;
use carshare_proto::vehicle::v1 as pb;

use super::convert;
use crate::App;
use crate::domain::{Coordinates, Distance, PageKey, Query, SearchFilter, SearchOrder};
use crate::error::Result;
use crate::store::vehicles::{self, Candidate};

/// The size of the first batch is a multiple of this, and that of the second one at least twice as large.
const BATCH_STEP: usize = 4;

pub async fn handle(
    app: &App,
    _ctx: CallContext,
    mut request: pb::SearchVehiclesRequest,
) -> Result<pb::SearchVehiclesResponse> {
    let query = query(app, &request)?;
    let requested = PageRequest::take(&mut request, app.db.page_token_key().await?);
    let page = page(app, &query, page_key(&requested)?, requested.size()).await?;
    Ok(pb::SearchVehiclesResponse {
        next_page_token: page
            .next
            .map(|key| requested.token_after(&key.encode()))
            .unwrap_or_default(),
        vehicles: page.found.into_iter().map(|car| shown(app, car)).collect(),
    })
}

fn query(app: &App, request: &pb::SearchVehiclesRequest) -> Result<Query> {
    // The rules of the contract require both.
    let center = Coordinates {
        lat: request.lat.unwrap_or_default(),
        lng: request.lng.unwrap_or_default(),
    };
    let radius = Distance::from_km(request.radius.unwrap_or(app.config.search.default_radius_km));
    let period = convert::period(request.start_datetime, request.end_datetime)?;
    let now = app.environment.clock.now();
    if period.start() <= now {
        return Err(ChassisError::new(Booking::StartInPast).into());
    }
    app.config.calendar.check(period, now)?;
    Ok(Query {
        center,
        radius,
        period,
        order: match request.order_by() {
            pb::SearchOrder::Unspecified | pb::SearchOrder::DistanceAsc => SearchOrder::Distance,
            pb::SearchOrder::HourlyRateAsc => SearchOrder::HourlyRate,
        },
        filter: SearchFilter {
            fuel: convert::fuel(request.fuel_type),
            transmission: convert::transmission(request.transmission),
            max_hourly_rate_krw: request.max_hourly_rate,
        },
    })
}

fn page_key(page: &PageRequest) -> Result<Option<PageKey>> {
    let key = page.after()?.map(PageKey::decode);
    let key = key.map(|key| key.ok_or_else(pagination::invalid_page_token));
    Ok(key.transpose()?)
}

/// A page, and the key after which the next one starts.
struct Page {
    found: Vec<Candidate>,
    next: Option<PageKey>,
}

/// Reads batches until it has found one car more than the page holds, or has examined `max_candidates`.
///
/// The first batch is large enough if every car is open; the next ones are as large as the share of open cars suggests. Each
/// scans the index from its beginning, so they grow: to at least `least`, which doubles. Sizes are rounded up, because
/// PostgreSQL plans for each size: see [`vehicles::list_nearby`].
async fn page(app: &App, query: &Query, mut after: Option<PageKey>, size: usize) -> Result<Page> {
    let (limit, now) = (app.config.search.max_candidates, app.environment.clock.now());
    let (mut found, mut examined) = (Vec::new(), 0);
    let first = (size + 1).next_multiple_of(BATCH_STEP);
    let (mut count, mut least) = (first.min(limit).max(size + 1), BATCH_STEP);
    loop {
        let batch = vehicles::list_nearby(app.db.conn(), query, after, count, now).await?;
        let is_last = batch.len() < count;
        examined += batch.len();
        after = batch.last().map(|last| last.key);
        found.extend(
            batch
                .into_iter()
                .filter(|car| car.opening_hours.covers(query.period)),
        );
        if found.len() > size {
            found.truncate(size);
            let next = found.last().map(|last| last.key);
            return Ok(Page { found, next });
        }
        if is_last {
            return Ok(Page { found, next: None });
        }
        if examined >= limit {
            return Ok(Page { found, next: after });
        }
        least *= 2;
        let needed = (size + 1 - found.len()) * examined / found.len().max(1);
        let next = needed.min(count * 2).max(least).next_power_of_two();
        count = next.min(limit - examined);
    }
}

fn shown(app: &App, car: Candidate) -> pb::Vehicle {
    convert::found_vehicle(car.view, Distance::from_chord(car.key.chord_m), &app.urls)
}
