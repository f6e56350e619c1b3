//! `WithdrawBookingChange`: the side that asked for a change takes it back before it is accepted.

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
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::WithdrawBookingChangeRequest,
) -> Result<pb::BookingChange, Error> {
    let input = Input {
        booking: BookingId::parse("booking_id", &request.booking_id)?,
        change: ChangeId::parse("change_id", &request.change_id)?,
        user: authorization::caller(&ctx)?,
    };
    app.db
        .idempotent(&ctx, "booking_changes.withdraw", input, withdraw)
        .await
}

async fn withdraw(tx: &Tx, input: &Input) -> Result<pb::BookingChange, Error> {
    let (mut booking, mut change, party) = lock(tx, input.booking, input.change, input.user).await?;
    booking.withdraw_change(&mut change, party, tx.now())?;
    let actor = Actor::Person(party, input.user);
    apply_booking_change::update(tx, &mut booking, &mut change, actor).await?;
    Ok(convert_change::change(&change))
}
