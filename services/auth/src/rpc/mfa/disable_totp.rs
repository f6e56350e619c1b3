//! `DisableTotp`: removes the second factor, which needs it once more. Admins replace theirs instead.

use std::sync::Arc;

use carshare_chassis::encryption::Sealer;
use carshare_chassis::identity::Role;
use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;

use crate::App;
use crate::audit::Action;
use crate::domain::{EndReason, MfaCode, SessionId, UserId};
use crate::error::Error;
use crate::login_attempts;
use crate::mfa::{self, Reauthenticated};
use crate::sealed_reply::{Sealed, SealedReply};
use crate::session;

struct Input {
    verified: Reauthenticated,
    session: SessionId,
    code: MfaCode,
    sealer: Arc<Sealer>,
    reply: SealedReply<pb::DisableTotpResponse>,
}

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::DisableTotpRequest,
) -> Result<pb::DisableTotpResponse, Error> {
    let (id, session) = (UserId(context.user()?.id), SessionId(context.user()?.session_id));
    let (context, reply) = app.replies.prepare(context);
    if let Some(stored) = app.db.find_reply(&context).await? {
        return Ok(reply.open(&stored)?);
    }
    let verified = mfa::reauthenticate(app, Action::MfaDisable, &context, request.current_password).await?;
    let attempt = verified.attempt.clone();
    if verified.user.role == Role::Admin {
        return Err(Error::MfaMandatory);
    }
    let code = mfa::begin_reauthenticated(app, &verified, &request.mfa_code).await?;
    let input = Input {
        verified,
        session,
        code: code.ok_or(Error::MfaNotEnabled)?,
        sealer: Arc::clone(&app.sealer),
        reply: reply.clone(),
    };
    let stored = app
        .db
        .idempotent(&context, "totp_credentials.disable", input, disable)
        .await;
    mfa::record_refusal(app, &attempt, id, &stored).await?;
    let disabled = reply.open(&stored?)?;
    app.revoker.copy_user(id).await;
    Ok(disabled)
}

async fn disable(tx: &Tx, input: &Input) -> Result<Sealed, Error> {
    let Reauthenticated { user, hash, attempt } = &input.verified;
    mfa::lock_verified(tx, user, hash).await?;
    login_attempts::succeed(tx, attempt, user.id).await?;
    mfa::verify(tx, &input.sealer, user.id, &input.code).await?;
    mfa::disable(tx, user.id).await?;
    let kept = Some(input.session);
    session::end_all(tx, user.id, kept, EndReason::MfaChange, &attempt.origin).await?;
    Ok(input.reply.seal(&pb::DisableTotpResponse {})?)
}
