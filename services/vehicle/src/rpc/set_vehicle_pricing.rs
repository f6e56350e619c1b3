//! `SetVehiclePricing`: a host replaces the prices of a car besides its hourly rate.
//!
//! An RPC of its own, because a merge patch cannot replace a list of rows by parts (ADR 0031).

use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;
use carshare_store::Tx;

use super::{authorization, convert, pricing};
use crate::App;
use crate::domain::{Pricing, UserId, VehicleId};
use crate::error::Result;
use crate::events::publish;
use crate::image_urls::ImageUrls;
use crate::store::{vehicles, views};

struct Prices {
    vehicle: VehicleId,
    owner: UserId,
    pricing: Pricing,
    urls: ImageUrls,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::SetVehiclePricingRequest,
) -> Result<pb::Vehicle> {
    let prices = Prices {
        vehicle: VehicleId::parse("vehicle_id", &request.vehicle_id)?,
        owner: UserId(ctx.user()?.id),
        pricing: pricing::from_request(request.pricing.unwrap_or_default())?,
        urls: app.urls.clone(),
    };
    app.db
        .idempotent(&ctx, "vehicles.set_pricing", prices, apply)
        .await
}

async fn apply(tx: &Tx, prices: &Prices) -> Result<pb::Vehicle> {
    let mut vehicle = authorization::lock(tx.conn(), prices.vehicle, prices.owner).await?;
    if vehicle.set_pricing(prices.pricing.clone(), tx.now()) {
        vehicles::update(tx.conn(), &vehicle).await?;
        tx.publish(&publish::updated(&vehicle));
    }
    let view = views::existing(tx.conn(), vehicle.id).await?;
    Ok(convert::vehicle(view, &prices.urls))
}
