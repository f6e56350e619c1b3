//! `SearchVehicles`: the cars near a point that can be booked for a whole period, nearest first.
//!
//! A car is returned if and only if a hold on it would succeed. The database excludes cars that are taken; the opening hours
//! are evaluated here, batch by batch, until a page is full.

use std::collections::HashMap;

use carshare_chassis::pagination;
use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;

use super::convert;
use crate::App;
use crate::domain::{Coordinates, Distance, PageKey, Query, VehicleId};
use crate::error::Result;
use crate::store::{availabilities, vehicles, views};

/// Size of the first batch, unless the page is larger.
const FIRST_BATCH: usize = 32;

pub async fn handle(
    app: &App,
    _ctx: CallContext,
    request: pb::SearchVehiclesRequest,
) -> Result<pb::SearchVehiclesResponse> {
    let query = query(app, &request)?;
    let after = page_key(&query, &request.page_token)?;
    let size = match usize::try_from(request.page_size) {
        Ok(0) | Err(_) => app.config.search.default_page_size,
        Ok(size) => size,
    };
    let page = page(app, &query, after, size).await?;
    Ok(pb::SearchVehiclesResponse {
        next_page_token: page
            .next
            .map(|key| pagination::page_token(&key.encode(&query)))
            .unwrap_or_default(),
        vehicles: shown(app, &page.found).await?,
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
    Ok(Query {
        center,
        radius,
        period,
    })
}

fn page_key(query: &Query, token: &str) -> Result<Option<PageKey>> {
    let bytes = pagination::decode_page_token(token)?;
    let key = bytes.map(|bytes| PageKey::decode(&bytes, query).ok_or_else(pagination::invalid_page_token));
    Ok(key.transpose()?)
}

/// A page, and the key after which the next one starts.
struct Page {
    found: Vec<PageKey>,
    next: Option<PageKey>,
}

/// Reads batches until it has found one car more than the page holds, or has examined `max_candidates`.
///
/// Each batch scans the index from its beginning, so each is twice as large as the one before.
async fn page(app: &App, query: &Query, mut after: Option<PageKey>, size: usize) -> Result<Page> {
    let limit = app.config.search.max_candidates;
    let (mut found, mut examined) = (Vec::new(), 0);
    let mut count = FIRST_BATCH.min(limit).max(size + 1);
    loop {
        let batch = vehicles::list_nearby(
            app.db.conn(),
            query,
            after,
            count as u64,
            app.environment.clock.now(),
        )
        .await?;
        found.extend(open(app, query, &batch).await?);
        if found.len() > size {
            found.truncate(size);
            return Ok(Page {
                next: found.last().copied(),
                found,
            });
        }
        if batch.len() < count {
            return Ok(Page { found, next: None });
        }
        examined += batch.len();
        after = batch.last().copied();
        if examined >= limit {
            return Ok(Page { found, next: after });
        }
        count = (count * 2).min(limit - examined);
    }
}

/// Returns the cars that are open for the whole period.
async fn open(app: &App, query: &Query, batch: &[PageKey]) -> Result<Vec<PageKey>> {
    let ids: Vec<VehicleId> = batch.iter().map(|key| key.id).collect();
    let opening_hours = availabilities::list_opening_hours(app.db.conn(), &ids).await?;
    let is_open = |id: &VehicleId| {
        opening_hours
            .get(id)
            .is_none_or(|hours| hours.covers(query.period))
    };
    Ok(batch.iter().filter(|key| is_open(&key.id)).copied().collect())
}

async fn shown(app: &App, found: &[PageKey]) -> Result<Vec<pb::Vehicle>> {
    let ids: Vec<VehicleId> = found.iter().map(|key| key.id).collect();
    let chords: HashMap<VehicleId, f64> = found.iter().map(|key| (key.id, key.chord_m)).collect();
    let cars = vehicles::list(app.db.conn(), &ids).await?;
    let shown = views::views(app.db.conn(), cars).await?.into_iter().map(|view| {
        let distance = Distance::from_chord(chords.get(&view.vehicle.id).copied().unwrap_or_default());
        convert::found_vehicle(view, distance, &app.urls)
    });
    Ok(shown.collect())
}
