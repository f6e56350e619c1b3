//! `ConfirmHold`: confirms that a stored booking has its car. Idempotent.

use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;
use carshare_store::Tx;

use super::convert;
use crate::App;
use crate::confirm::{self, Confirmation};
use crate::domain::{BookingId, Period, VehicleId};
use crate::error::{Error, Result};
use crate::store::occupancies;

pub async fn handle(
    app: &App,
    _ctx: CallContext,
    request: pb::ConfirmHoldRequest,
) -> Result<pb::ConfirmHoldResponse> {
    let booking = BookingId::parse("booking_id", &request.booking_id)?;
    let vehicle = VehicleId::parse("vehicle_id", &request.vehicle_id)?;
    let period = convert::period(request.start_datetime, request.end_datetime)?;
    if occupancies::confirm(app.db.conn(), booking, false, app.environment.clock.now()).await? {
        return Ok(pb::ConfirmHoldResponse {});
    }
    let input = (booking, vehicle, period);
    app.db.transaction("occupancies.confirm", input, take).await
}

async fn take(
    tx: &Tx,
    &(booking, vehicle, period): &(BookingId, VehicleId, Period),
) -> Result<pb::ConfirmHoldResponse> {
    match confirm::take(tx, booking, vehicle, period).await? {
        Confirmation::Confirmed => Ok(pb::ConfirmHoldResponse {}),
        Confirmation::HeldByAnother => Err(Error::VehicleUnavailable),
        Confirmation::Released | Confirmation::Lost => Err(Error::HoldLost),
    }
}
