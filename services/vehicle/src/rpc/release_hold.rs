//! `ReleaseHold`: deletes a hold whose booking could not be stored.
//!
//! The occupancy of a stored booking stays, because only the booking's events release it. The release is not recorded, so a
//! repeat of the client's call can hold the car again under the same booking id.

use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;

use crate::App;
use crate::domain::BookingId;
use crate::error::Result;
use crate::store::occupancies;

pub async fn handle(
    app: &App,
    _ctx: CallContext,
    request: pb::ReleaseHoldRequest,
) -> Result<pb::ReleaseHoldResponse> {
    let booking = BookingId::parse("booking_id", &request.booking_id)?;
    occupancies::delete_hold(app.db.conn(), booking).await?;
    Ok(pb::ReleaseHoldResponse {})
}
