//! `SearchVehicles`: the cars near a point that can be booked for a whole period, nearest or cheapest first.
//!
//! A car is returned if and only if a booking of it would succeed: periods that no booking may have are refused by the rules
//! and with the reasons of `CreateBooking`. The database excludes cars that are taken; the opening hours
//! are evaluated here, batch by batch, until a page is full.
//!
//! The reply does not tell where exactly a car stands: its place and distance are approximate, and so is the place that has to be within
//! the radius, since small circles around many centres would tell the exact one. Only the order is by the exact places.

use carshare_chassis::Error as ChassisError;
use carshare_chassis::pagination::{PageRequest, SortKey};
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1::ErrorReason as Booking;
use carshare_proto::vehicle::v1 as pb;

use super::convert;
use crate::App;
use crate::domain::{Coordinates, Distance, Query, SearchFilter, SearchOrder};
use crate::error::Result;
use crate::store::vehicles::{self, Candidate};

/// Smallest radius: everybody in the square of a car finds it.
const LEAST_RADIUS_KM: f64 = 1.0;

/// The size of the first batch is a multiple of this, and that of the second one at least twice as large.
const BATCH_STEP: usize = 4;

pub async fn handle(
    app: &App,
    _ctx: CallContext,
    mut request: pb::SearchVehiclesRequest,
) -> Result<pb::SearchVehiclesResponse> {
    let search = search(app, &request)?;
    let requested = PageRequest::take(&mut request, app.db.page_token_key().await?);
    let after = requested.after()?.map(SortKey::decode);
    let page = page(app, &search, after, requested.size()).await?;
    Ok(pb::SearchVehiclesResponse {
        next_page_token: page
            .next
            .map(|key| requested.token_after(&key.encode()))
            .unwrap_or_default(),
        vehicles: page.found.into_iter().map(|car| search.shown(app, car)).collect(),
    })
}

struct Search {
    /// Finds by the exact places.
    query: Query,
    /// Of the approximate places.
    radius: Distance,
}

fn search(app: &App, request: &pb::SearchVehiclesRequest) -> Result<Search> {
    // The rules of the contract require both.
    let center = Coordinates {
        lat: request.lat.unwrap_or_default(),
        lng: request.lng.unwrap_or_default(),
    };
    let radius_km = request.radius.unwrap_or(app.config.search.default_radius_km);
    let radius = Distance::from_km(radius_km.max(LEAST_RADIUS_KM));
    let period = convert::period(request.start_datetime, request.end_datetime)?;
    let now = app.environment.clock.now();
    if period.start() <= now {
        return Err(ChassisError::new(Booking::StartInPast).into());
    }
    app.config.calendar.check(period, now)?;
    let query = Query {
        center,
        radius: radius.of_exact_places(),
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
    };
    Ok(Search { query, radius })
}

impl Search {
    /// Returns whether a car that the database has found is in the result.
    fn matches(&self, car: &Candidate) -> bool {
        car.opening_hours.covers(self.query.period) && self.distance(car) <= self.radius
    }

    fn distance(&self, car: &Candidate) -> Distance {
        let place = car.view.vehicle.location.coordinates.approximate();
        self.query.center.distance_to(place)
    }

    fn shown(&self, app: &App, car: Candidate) -> pb::Vehicle {
        let distance = self.distance(&car);
        convert::found_vehicle(car.view, distance, &app.urls)
    }
}

/// A page, and the key after which the next one starts.
struct Page {
    found: Vec<Candidate>,
    next: Option<SortKey>,
}

/// Reads batches until it has found one car more than the page holds, or has examined `max_candidates`.
///
/// The first batch is large enough if every car is open; the next ones are as large as the share of open cars suggests. Each
/// scans the index from its beginning, so they grow: to at least `least`, which doubles. Sizes are rounded up, because
/// PostgreSQL plans for each size: see [`vehicles::list_nearby`].
async fn page(app: &App, search: &Search, mut after: Option<SortKey>, size: usize) -> Result<Page> {
    let (limit, now) = (app.config.search.max_candidates, app.environment.clock.now());
    let (mut found, mut examined) = (Vec::new(), 0);
    let first = (size + 1).next_multiple_of(BATCH_STEP);
    let (mut count, mut least) = (first.min(limit).max(size + 1), BATCH_STEP);
    loop {
        let batch = vehicles::list_nearby(app.db.conn(), &search.query, after, count, now).await?;
        let is_last = batch.len() < count;
        examined += batch.len();
        after = batch.last().map(Candidate::sort_key);
        found.extend(batch.into_iter().filter(|car| search.matches(car)));
        if found.len() > size {
            found.truncate(size);
            let next = found.last().map(Candidate::sort_key);
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
