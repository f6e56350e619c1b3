//! `CloseUser`: refuses all further bookings of a user, as guest and as host, unless one is open.
//!
//! Closing and insertions of bookings exclude one another, so either the booking is seen here or its insertion sees the closing. Each
//! attempt is decided once, and none older than a decided one closes anything: when auth has read a refusal and has withdrawn the
//! deletion, no earlier call that was delayed on its way can close the user.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use crate::App;
use crate::domain::UserId;
use crate::error::Error;
use crate::store::user_closings::{self, Decided};

struct Input {
    user: UserId,
    attempt: i64,
}

pub async fn handle(
    app: &App,
    _: CallContext,
    request: pb::CloseUserRequest,
) -> Result<pb::CloseUserResponse, Error> {
    let input = Input {
        user: UserId::parse("user_id", &request.user_id)?,
        attempt: request.attempt,
    };
    app.db.transaction("user_closings.decide", input, decide).await
}

async fn decide(tx: &Tx, input: &Input) -> Result<pb::CloseUserResponse, Error> {
    let &Input { user, attempt } = input;
    user_closings::lock(tx, user).await?;
    let before = user_closings::find(tx, user).await?;
    if before.is_some_and(|before| before.is_closed) {
        return Ok(response(true, 0));
    }
    let open_bookings = user_closings::count_open_bookings(tx, user).await?;
    if before.is_some_and(|before| attempt <= before.attempt) {
        return Ok(response(false, open_bookings));
    }
    let is_closed = open_bookings == 0;
    user_closings::upsert(tx, user, Decided { attempt, is_closed }).await?;
    Ok(response(is_closed, open_bookings))
}

fn response(is_closed: bool, open_bookings: i64) -> pb::CloseUserResponse {
    pb::CloseUserResponse {
        is_closed,
        open_bookings,
    }
}
