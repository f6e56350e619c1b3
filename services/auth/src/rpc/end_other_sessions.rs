//! `EndOtherSessions`: ends all sessions of the caller but the one of the access token.

use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;

use crate::App;
use crate::audit::Origin;
use crate::domain::{EndReason, SessionId, UserId};
use crate::error::Error;
use crate::session;

pub async fn handle(
    app: &App,
    context: CallContext,
    _request: pb::EndOtherSessionsRequest,
) -> Result<pb::EndOtherSessionsResponse, Error> {
    let user = UserId(context.user()?.id);
    let input = (
        user,
        SessionId(context.user()?.session_id),
        Origin::from(&context),
    );
    let ended = app.db.idempotent(&context, "sessions.end_others", input, end);
    let reply = ended.await?;
    app.revoker.copy_user(user).await;
    Ok(reply)
}

async fn end(
    tx: &Tx,
    (user, kept, origin): &(UserId, SessionId, Origin),
) -> Result<pb::EndOtherSessionsResponse, Error> {
    let ended = session::end_all(tx, *user, Some(*kept), EndReason::User, origin).await?;
    Ok(pb::EndOtherSessionsResponse {
        ended_count: i32::try_from(ended).unwrap_or(i32::MAX),
    })
}
