//! `UpdateVehicle`: a host changes the fields that are present, unless the car has changed since the tag of the request was read.
//!
//! A new address is searched on the map before the transaction. Activating requires a photo; existing bookings keep their
//! terms.

use carshare_chassis::etag;
use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;
use carshare_store::Tx;

use super::authorization;
use super::convert;
use super::create_vehicle::check_year;
use super::pricing;
use crate::App;
use crate::domain::{Change, Changed, Location, UserId, VehicleId};
use crate::error::Result;
use crate::events::publish;
use crate::image_urls::ImageUrls;
use crate::store::{vehicle_images, vehicles, views};

struct Update {
    id: VehicleId,
    owner: UserId,
    change: Change,
    /// Tag that the car must have.
    etag: Option<String>,
    urls: ImageUrls,
}

pub async fn handle(app: &App, ctx: CallContext, request: pb::UpdateVehicleRequest) -> Result<pb::Vehicle> {
    let owner = UserId(ctx.user()?.id);
    let id = VehicleId::parse("vehicle_id", &request.vehicle_id)?;
    if let Some(year) = request.year {
        check_year(year, app.environment.clock.now())?;
    }
    if let Some(vehicle) = app.db.find_reply(&ctx).await? {
        return Ok(vehicle);
    }
    let location = new_location(app, id, owner, request.location_address.as_deref()).await?;
    let update = Update {
        id,
        owner,
        etag: request.etag.clone(),
        change: change(request, location)?,
        urls: app.urls.clone(),
    };
    app.db.idempotent(&ctx, "vehicles.update", update, apply).await
}

/// Finds the location of an address that differs from the car's. Checks the owner first, so that others cause no request to
/// the map service.
async fn new_location(
    app: &App,
    id: VehicleId,
    owner: UserId,
    address: Option<&str>,
) -> Result<Option<Location>> {
    let current = authorization::find(app.db.conn(), id, owner).await?;
    match address {
        Some(address) if address.trim() != current.location.address => app.locate(address).await.map(Some),
        _ => Ok(None),
    }
}

async fn apply(tx: &Tx, update: &Update) -> Result<pb::Vehicle> {
    let mut vehicle = authorization::lock(tx.conn(), update.id, update.owner).await?;
    if let Some(etag) = &update.etag {
        let current = shown(tx, update).await?;
        etag::check(etag, current.etag.as_deref())?;
    }
    let has_image = vehicle_images::count_complete(tx.conn(), vehicle.id).await? > 0;
    let changed = vehicle.change(update.change.clone(), has_image, tx.now())?;
    if changed != Changed::Nothing {
        vehicles::update(tx.conn(), &vehicle).await?;
        tx.publish(&publish::updated(&vehicle));
    }
    if changed == Changed::Activated {
        tx.publish(&publish::activated(&vehicle));
    }
    shown(tx, update).await
}

async fn shown(tx: &Tx, update: &Update) -> Result<pb::Vehicle> {
    let view = views::existing(tx.conn(), update.id).await?;
    Ok(convert::vehicle(view, &update.urls))
}

fn change(request: pb::UpdateVehicleRequest, location: Option<Location>) -> Result<Change> {
    Ok(Change {
        make: request.make,
        model: request.model,
        year: request.year,
        color: request.color,
        fuel: request.fuel_type.map(convert::fuel),
        transmission: request.transmission.map(convert::transmission),
        hourly_rate_krw: request.hourly_rate,
        pricing: request.pricing.map(pricing::from_request).transpose()?,
        location,
        description: request.description,
        status: request.status.and_then(convert::status),
    })
}
