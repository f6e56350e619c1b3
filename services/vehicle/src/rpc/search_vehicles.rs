//! `SearchVehicles`: the cars that can be booked for a whole period near a place, nearest first.
//!
//! A car is shown if and only if a hold on it would succeed. The database leaves out what is taken, in the order of the
//! spatial index; the opening hours are evaluated here, on one batch of candidates after the other, until a page is full.

use std::collections::HashMap;

use carshare_chassis::pagination;
use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;

use super::convert;
use crate::App;
use crate::domain::{Coordinates, Cursor, Distance, Query, VehicleId};
use crate::error::Result;
use crate::store::vehicles::Candidate;
use crate::store::{availabilities, vehicles, views};

/// Candidates looked at in the first round, unless the page is larger.
const FIRST_ROUND: usize = 32;

pub async fn handle(
    app: &App,
    _ctx: CallContext,
    request: pb::SearchVehiclesRequest,
) -> Result<pb::SearchVehiclesResponse> {
    let query = query(app, &request)?;
    let after = cursor(&query, &request.page_token)?;
    let size = match usize::try_from(request.page_size) {
        Ok(0) | Err(_) => app.config.search.default_page_size,
        Ok(size) => size,
    };
    let page = page(app, &query, after, size).await?;
    Ok(pb::SearchVehiclesResponse {
        next_page_token: page
            .next
            .map(|cursor| pagination::page_token(&cursor.place(&query)))
            .unwrap_or_default(),
        vehicles: shown(app, &page.found).await?,
    })
}

fn query(app: &App, request: &pb::SearchVehiclesRequest) -> Result<Query> {
    // The contract requires both; its rule has refused a request without them.
    let around = Coordinates {
        lat: request.lat.unwrap_or_default(),
        lng: request.lng.unwrap_or_default(),
    };
    let radius = Distance::from_km(request.radius.unwrap_or(app.config.search.default_radius_km));
    let period = convert::period(request.start_datetime, request.end_datetime)?;
    Ok(Query {
        around,
        radius,
        period,
    })
}

fn cursor(query: &Query, token: &str) -> Result<Option<Cursor>> {
    let place = pagination::decode_page_token(token)?;
    let cursor = place.map(|place| Cursor::at(&place, query).ok_or_else(pagination::invalid_page_token));
    Ok(cursor.transpose()?)
}

/// Cars found, and where to go on.
struct Page {
    found: Vec<Candidate>,
    next: Option<Cursor>,
}

/// Looks at candidates until it knows of one car more than a page holds, or has looked at as many as one call may.
///
/// Each round walks the index from its beginning again, so each looks at twice as many as the one before: among closed
/// cars a page of one costs a handful of rounds too, not a thousand.
async fn page(app: &App, query: &Query, mut after: Option<Cursor>, size: usize) -> Result<Page> {
    let most = app.config.search.max_candidates;
    let (mut found, mut looked_at) = (Vec::new(), 0);
    let mut count = FIRST_ROUND.min(most).max(size + 1);
    loop {
        let batch = vehicles::near(
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
        looked_at += batch.len();
        after = batch.last().copied();
        if looked_at >= most {
            return Ok(Page { found, next: after });
        }
        count = (count * 2).min(most - looked_at);
    }
}

/// Those of these candidates that are open for the whole period.
async fn open(app: &App, query: &Query, batch: &[Candidate]) -> Result<Vec<Candidate>> {
    let ids: Vec<VehicleId> = batch.iter().map(|candidate| candidate.id).collect();
    let openings = availabilities::openings(app.db.conn(), &ids).await?;
    let is_open = |id: &VehicleId| {
        openings
            .get(id)
            .is_none_or(|opening| opening.covers(query.period))
    };
    Ok(batch
        .iter()
        .filter(|candidate| is_open(&candidate.id))
        .copied()
        .collect())
}

async fn shown(app: &App, found: &[Candidate]) -> Result<Vec<pb::Vehicle>> {
    let ids: Vec<VehicleId> = found.iter().map(|candidate| candidate.id).collect();
    let chords: HashMap<VehicleId, f64> = found
        .iter()
        .map(|candidate| (candidate.id, candidate.chord_m))
        .collect();
    let cars = vehicles::list(app.db.conn(), &ids).await?;
    let shown = views::views(app.db.conn(), cars).await?.into_iter().map(|view| {
        let distance = Distance::from_chord(chords.get(&view.vehicle.id).copied().unwrap_or_default());
        convert::found_vehicle(view, distance, &app.urls)
    });
    Ok(shown.collect())
}
