//! `Logout`: ends the session of the presented token.
//!
//! Rule: the session ends in the database first, so a sign-out counts although Redis is away; its access tokens reach the
//! list of revoked ones at once or, at the latest, with the next run of the job.

use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use futures::FutureExt as _;

use crate::App;
use crate::domain::{EndReason, SessionId};
use crate::error::Error;
use crate::session;

pub async fn handle(
    app: &App,
    context: CallContext,
    _request: pb::LogoutRequest,
) -> Result<pb::LogoutResponse, Error> {
    let session = SessionId(context.user()?.session_id);
    let ended = app
        .db
        .idempotent(&context, "sessions.logout", session, |tx, session| {
            async move {
                session::end(tx, *session, EndReason::Logout).await?;
                Ok::<_, Error>(pb::LogoutResponse {})
            }
            .boxed()
        });
    let reply = ended.await?;
    app.revoker.copy_session(session).await;
    Ok(reply)
}
