//! `ListBookingChanges`: the changes of a booking, for its guest, its host and admins.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;

use super::convert_change;
use crate::App;
use crate::domain::BookingId;
use crate::error::Error;
use crate::rpc::authorization;
use crate::store::booking_changes;

/// Changes in one reply.
const LIMIT: u64 = 100;

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::ListBookingChangesRequest,
) -> Result<pb::ListBookingChangesResponse, Error> {
    let id = BookingId::parse("booking_id", &request.booking_id)?;
    authorization::find_visible(app, id, ctx.user()?).await?;
    let changes = booking_changes::list(app.db.conn(), id, LIMIT).await?;
    Ok(pb::ListBookingChangesResponse {
        changes: changes.iter().map(convert_change::change).collect(),
    })
}
