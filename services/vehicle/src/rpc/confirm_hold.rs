//! `ConfirmHold`: confirms that a stored booking has its car. Idempotent.

use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;
use carshare_store::Tx;

use super::convert;
use crate::App;
use crate::confirm::{self, Confirmation};
use crate::domain::{BookingId, Period, VehicleId};
use crate::error::{Error, Result};

pub async fn handle(
    app: &App,
    _ctx: CallContext,
    request: pb::ConfirmHoldRequest,
) -> Result<pb::ConfirmHoldResponse> {
    let input = (
        BookingId::parse("booking_id", &request.booking_id)?,
        VehicleId::parse("vehicle_id", &request.vehicle_id)?,
        convert::period(request.start_datetime, request.end_datetime)?,
    );
    app.db.transaction("occupancies.confirm", input, confirm).await
}

async fn confirm(
    tx: &Tx,
    &(booking, vehicle, period): &(BookingId, VehicleId, Period),
) -> Result<pb::ConfirmHoldResponse> {
    match confirm::confirm(tx, booking, vehicle, period).await? {
        Confirmation::Confirmed => Ok(pb::ConfirmHoldResponse {}),
        Confirmation::HeldByAnother => Err(Error::VehicleUnavailable),
        Confirmation::Released | Confirmation::Lost => Err(Error::HoldLost),
    }
}
