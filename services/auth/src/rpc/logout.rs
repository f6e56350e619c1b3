//! `Logout`: ends the session of the access token.
//!
//! The session is ended in the database first, so that a logout succeeds while Redis is unreachable; its access tokens are
//! copied to Redis at once, or else by the next run of the job.

use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;

use crate::App;
use crate::audit::Origin;
use crate::domain::{EndReason, SessionId};
use crate::error::Error;
use crate::session;

pub async fn handle(
    app: &App,
    context: CallContext,
    _request: pb::LogoutRequest,
) -> Result<pb::LogoutResponse, Error> {
    let session = SessionId(context.user()?.session_id);
    let input = (session, Origin::from(&context));
    let reply = app
        .db
        .idempotent(&context, "sessions.logout", input, end_session)
        .await?;
    app.revoker.copy_session(session).await;
    Ok(reply)
}

async fn end_session(tx: &Tx, (session, origin): &(SessionId, Origin)) -> Result<pb::LogoutResponse, Error> {
    session::end(tx, *session, EndReason::Logout, origin).await?;
    Ok(pb::LogoutResponse {})
}
