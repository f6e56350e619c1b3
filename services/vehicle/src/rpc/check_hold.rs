//! `CheckHold`: what `PlaceHold` would decide now, without a hold. One statement.

use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;

use super::{convert, place_hold};
use crate::App;
use crate::domain::{UserId, VehicleId};
use crate::error::{Error, Result};
use crate::store::occupancies;

pub async fn handle(
    app: &App,
    _ctx: CallContext,
    request: pb::CheckHoldRequest,
) -> Result<pb::CheckHoldResponse> {
    let vehicle = VehicleId::parse("vehicle_id", &request.vehicle_id)?;
    let guest = UserId::parse("guest_id", &request.guest_id)?;
    let period = convert::period(request.start_datetime, request.end_datetime)?;
    let now = app.environment.clock.now();
    let found = occupancies::find_conditions(app.db.conn(), vehicle, period, now).await?;
    let conditions = found.ok_or(Error::VehicleNotFound)?;
    app.config.calendar.check(period, now)?;
    place_hold::check_offer(&conditions.view.vehicle, guest)?;
    Ok(pb::CheckHoldResponse {
        is_taken: conditions.is_taken,
        is_closed: !conditions.opening_hours.covers(period),
        vehicle: Some(convert::untagged_vehicle(conditions.view, &app.urls)),
    })
}
