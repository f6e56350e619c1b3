//! `ListBookingClaims`: the claims of a booking, for its guest, its host and admins.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;

use super::convert_claim;
use crate::App;
use crate::domain::BookingId;
use crate::error::Error;
use crate::rpc::authorization;
use crate::store::booking_claims;

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::ListBookingClaimsRequest,
) -> Result<pb::ListBookingClaimsResponse, Error> {
    let id = BookingId::parse("booking_id", &request.booking_id)?;
    authorization::find_visible(app, id, ctx.user()?).await?;
    let claims = booking_claims::list(app.db.conn(), id).await?;
    Ok(pb::ListBookingClaimsResponse {
        claims: claims.iter().map(convert_claim::claim).collect(),
    })
}
