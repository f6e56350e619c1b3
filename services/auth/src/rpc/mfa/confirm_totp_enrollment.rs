//! `ConfirmTotpEnrollment`: enables the proposed secret by a code of it. Sessions that began without it end, except the
//! caller's, which has just shown it.

use std::sync::Arc;

use carshare_chassis::encryption::Sealer;
use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;

use super::recovery_codes;
use crate::App;
use crate::audit::{self, Action, Entry, Origin};
use crate::domain::{EndReason, MfaCode, RecoveryCode, SessionId, UserId};
use crate::error::Error;
use crate::mfa;
use crate::sealed_reply::{Sealed, SealedReply};
use crate::session;
use crate::store::users;

struct Input {
    user: UserId,
    session: SessionId,
    origin: Origin,
    code: String,
    recovery: Vec<RecoveryCode>,
    sealer: Arc<Sealer>,
    reply: SealedReply<pb::RecoveryCodes>,
}

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::ConfirmTotpEnrollmentRequest,
) -> Result<pb::RecoveryCodes, Error> {
    let (user, session) = (UserId(context.user()?.id), SessionId(context.user()?.session_id));
    let origin = Origin::from(&context);
    let (context, reply) = app.replies.prepare(context);
    if let Some(stored) = app.db.find_reply(&context).await? {
        return Ok(reply.open(&stored)?);
    }
    let input = Input {
        user,
        session,
        origin: origin.clone(),
        code: request.code,
        recovery: mfa::new_recovery_codes(&app.db.environment().random),
        sealer: Arc::clone(&app.sealer),
        reply: reply.clone(),
    };
    let stored = attempt(app, &context, input).await;
    if let Some(reason) = stored.as_ref().err().and_then(mfa::refusal_reason) {
        let entry = Entry::failure(Action::MfaEnable, reason)
            .user(user)
            .session(session);
        app.audit.record(&origin, entry).await?;
    }
    let codes = reply.open(&stored?)?;
    app.revoker.copy_user(user).await;
    Ok(codes)
}

async fn attempt(app: &App, context: &CallContext, input: Input) -> Result<Sealed, Error> {
    let Some(MfaCode::Totp(code)) = MfaCode::parse(&input.code) else {
        return Err(Error::InvalidMfaCode);
    };
    mfa::count_attempt(app, input.user).await?;
    let input = Input { code, ..input };
    let confirmed = app
        .db
        .idempotent(context, "totp_credentials.confirm", input, confirm);
    confirmed.await
}

async fn confirm(tx: &Tx, input: &Input) -> Result<Sealed, Error> {
    // The account first: a concurrent login waits for it, or is waited for.
    users::lock(tx.conn(), input.user)
        .await?
        .ok_or(Error::UserNotFound)?;
    mfa::confirm(tx, &input.sealer, input.user, &input.code, &input.recovery).await?;
    let entry = Entry::success(Action::MfaEnable).user(input.user);
    audit::record(tx, &input.origin, &entry.session(input.session)).await?;
    let kept = Some(input.session);
    session::end_all(tx, input.user, kept, EndReason::MfaChange, &input.origin).await?;
    Ok(input.reply.seal(&recovery_codes(&input.recovery))?)
}
