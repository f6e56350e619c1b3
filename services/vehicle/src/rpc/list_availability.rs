//! `ListAvailability`: the rules of a car's opening hours, for those who can see the car.

use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;

use super::{convert, get_vehicle};
use crate::App;
use crate::domain::VehicleId;
use crate::error::Result;
use crate::store::availabilities;

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::ListAvailabilityRequest,
) -> Result<pb::ListAvailabilityResponse> {
    let id = VehicleId::parse("vehicle_id", &request.vehicle_id)?;
    get_vehicle::visible(app, &ctx, id).await?;
    let rules = availabilities::list(app.db.conn(), id).await?;
    Ok(pb::ListAvailabilityResponse {
        availability: rules.into_iter().map(convert::availability).collect(),
    })
}
