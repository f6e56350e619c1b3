//! `GetVehicle`: a car by its id. One that is not offered is shown to its host alone.

use carshare_chassis::identity::Caller;
use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;

use super::convert;
use crate::App;
use crate::domain::{UserId, Vehicle, VehicleId};
use crate::error::{Error, Result};
use crate::store::{vehicles, views};

pub async fn handle(app: &App, ctx: CallContext, request: pb::GetVehicleRequest) -> Result<pb::Vehicle> {
    let vehicle = visible(app, &ctx, convert::vehicle_id(&request.vehicle_id)?).await?;
    Ok(convert::vehicle(
        views::view(app.db.conn(), vehicle).await?,
        &app.urls,
    ))
}

/// The car, if this caller may see it.
pub(super) async fn visible(app: &App, ctx: &CallContext, id: VehicleId) -> Result<Vehicle> {
    let viewer = match &ctx.caller {
        Caller::User(user) => Some(UserId(user.id)),
        Caller::Anonymous | Caller::Service(_) => None,
    };
    let found = vehicles::find(app.db.conn(), id).await?;
    found
        .filter(|vehicle| vehicle.is_visible_to(viewer))
        .ok_or(Error::VehicleNotFound)
}
