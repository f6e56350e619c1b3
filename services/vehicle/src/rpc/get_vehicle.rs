//! `GetVehicle`: a car. One that is not active is visible to its host only, and so are the license plate and the exact place.

use carshare_chassis::identity::Caller;
use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;

use super::convert;
use crate::App;
use crate::domain::{UserId, VehicleId};
use crate::error::{Error, Result};
use crate::store::views::{self, View};

pub async fn handle(app: &App, ctx: CallContext, request: pb::GetVehicleRequest) -> Result<pb::Vehicle> {
    let found = visible(app, &ctx, VehicleId::parse("vehicle_id", &request.vehicle_id)?).await?;
    if viewer(&ctx) == Some(found.vehicle.owner_id) {
        return Ok(convert::vehicle(found, &app.urls));
    }
    Ok(convert::public_vehicle(found, &app.urls))
}

/// Finds a car that is visible to the caller.
pub(super) async fn visible(app: &App, ctx: &CallContext, id: VehicleId) -> Result<View> {
    let found = views::find(app.db.conn(), id).await?;
    found
        .filter(|found| found.vehicle.is_visible_to(viewer(ctx)))
        .ok_or(Error::VehicleNotFound)
}

fn viewer(ctx: &CallContext) -> Option<UserId> {
    match &ctx.caller {
        Caller::User(user) => Some(UserId(user.id)),
        Caller::Anonymous | Caller::Service(_) => None,
    }
}
