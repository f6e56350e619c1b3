//! `CreateVehicle`: a host registers a car.
//!
//! The plate is checked and the pickup address is searched on the map before anything is stored. The car is inactive until
//! its first photo is complete.

use carshare_chassis::Error as ChassisError;
use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;
use carshare_store::Tx;
use chrono::{DateTime, Datelike as _, TimeDelta, Utc};

use super::{convert, pricing};
use crate::App;
use crate::domain::{LicensePlate, Location, Pricing, Status, UserId, Vehicle, VehicleId};
use crate::error::Result;
use crate::events::publish;
use crate::image_urls::ImageUrls;
use crate::store::{vehicles, views};

struct Registration {
    id: VehicleId,
    owner: UserId,
    plate: LicensePlate,
    location: Location,
    pricing: Pricing,
    request: pb::CreateVehicleRequest,
    urls: ImageUrls,
}

pub async fn handle(app: &App, ctx: CallContext, request: pb::CreateVehicleRequest) -> Result<pb::Vehicle> {
    let owner = UserId(ctx.user()?.id);
    let plate = LicensePlate::parse(&request.license_plate, &app.config.plates.accepted)?;
    check_year(request.year, app.environment.clock.now())?;
    let pricing = pricing::from_request(request.pricing.clone().unwrap_or_default())?;
    if let Some(vehicle) = app.db.find_reply(&ctx).await? {
        return Ok(vehicle);
    }
    let id = VehicleId(app.environment.ids.next());
    let location = app.locate(&request.location_address).await?;
    let registration = Registration {
        id,
        owner,
        plate,
        location,
        pricing,
        request,
        urls: app.urls.clone(),
    };
    app.db
        .idempotent(&ctx, "vehicles.create", registration, register)
        .await
}

async fn register(tx: &Tx, new: &Registration) -> Result<pb::Vehicle> {
    let vehicle = vehicle(new, tx.now());
    vehicles::insert(tx.conn(), &vehicle).await?;
    tx.publish(&publish::registered(&vehicle));
    Ok(convert::vehicle(
        views::existing(tx.conn(), vehicle.id).await?,
        &new.urls,
    ))
}

fn vehicle(new: &Registration, now: DateTime<Utc>) -> Vehicle {
    let request = new.request.clone();
    Vehicle {
        id: new.id,
        owner_id: new.owner,
        license_plate: new.plate.clone(),
        make: request.make,
        model: request.model,
        year: request.year,
        color: convert::optional_text(request.color),
        fuel: convert::fuel(request.fuel_type),
        transmission: convert::transmission(request.transmission),
        hourly_rate_krw: request.hourly_rate,
        pricing: new.pricing.clone(),
        location: new.location.clone(),
        status: Status::Inactive,
        description: convert::optional_text(request.description),
        instant_book: request.instant_book,
        created_at: now,
        updated_at: now,
    }
}

/// Accepts model years up to the next calendar year in Seoul.
pub(super) fn check_year(year: i32, now: DateTime<Utc>) -> Result<()> {
    let newest = (now + TimeDelta::hours(9)).year() + 1;
    if year <= newest {
        return Ok(());
    }
    let ko = format!("{newest}년식까지 등록할 수 있습니다.");
    Err(ChassisError::invalid("year", ko, format!("must be at most {newest}")).into())
}
