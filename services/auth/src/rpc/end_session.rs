//! `EndSession`: ends one of the caller's sessions, as Logout ends that of the access token.

use carshare_chassis::proto_types::uuid;
use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;

use crate::App;
use crate::audit::Origin;
use crate::domain::{EndReason, SessionId, UserId};
use crate::error::Error;
use crate::session;
use crate::store::sessions;

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::EndSessionRequest,
) -> Result<pb::EndSessionResponse, Error> {
    let user = UserId(context.user()?.id);
    let session = SessionId(uuid("session_id", &request.session_id)?);
    let input = (user, session, Origin::from(&context));
    let reply = app.db.idempotent(&context, "sessions.end", input, end).await?;
    app.revoker.copy_session(session).await;
    Ok(reply)
}

async fn end(
    tx: &Tx,
    (user, session, origin): &(UserId, SessionId, Origin),
) -> Result<pb::EndSessionResponse, Error> {
    if !sessions::is_live(tx.conn(), *user, *session, tx.now()).await? {
        return Err(Error::SessionNotFound);
    }
    session::end(tx, *session, EndReason::User, origin).await?;
    Ok(pb::EndSessionResponse {})
}
