//! `DeclineBookingChange`: the other side does not agree to a change. The booking stays as it is.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{convert_change, lock};
use crate::App;
use crate::apply_booking_change;
use crate::domain::{Actor, BookingId, ChangeId, UserId};
use crate::error::Error;
use crate::rpc::authorization;

struct Input {
    booking: BookingId,
    change: ChangeId,
    user: UserId,
    response: Option<String>,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::DeclineBookingChangeRequest,
) -> Result<pb::BookingChange, Error> {
    let input = Input {
        booking: BookingId::parse("booking_id", &request.booking_id)?,
        change: ChangeId::parse("change_id", &request.change_id)?,
        user: authorization::caller(&ctx)?,
        response: request.response,
    };
    app.db
        .idempotent(&ctx, "booking_changes.decline", input, decline)
        .await
}

async fn decline(tx: &Tx, input: &Input) -> Result<pb::BookingChange, Error> {
    let (mut booking, mut change, party) = lock(tx, input.booking, input.change, input.user).await?;
    booking.decline_change(&mut change, party, input.response.clone(), tx.now())?;
    let actor = Actor::Person(party, input.user);
    apply_booking_change::update(tx, &mut booking, &mut change, actor).await?;
    Ok(convert_change::change(&change))
}
