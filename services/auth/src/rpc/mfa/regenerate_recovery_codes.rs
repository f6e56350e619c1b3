//! `RegenerateRecoveryCodes`: replaces all recovery codes, used or not.

use std::sync::Arc;

use carshare_chassis::encryption::Sealer;
use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;

use super::recovery_codes;
use crate::App;
use crate::audit::Action;
use crate::domain::{MfaCode, RecoveryCode, UserId};
use crate::error::Error;
use crate::login_attempts;
use crate::mfa::{self, Reauthenticated};
use crate::sealed_reply::{Sealed, SealedReply};
use crate::store;

struct Input {
    verified: Reauthenticated,
    code: MfaCode,
    recovery: Vec<RecoveryCode>,
    sealer: Arc<Sealer>,
    reply: SealedReply<pb::RecoveryCodes>,
}

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::RegenerateRecoveryCodesRequest,
) -> Result<pb::RecoveryCodes, Error> {
    let id = UserId(context.user()?.id);
    let (context, reply) = app.replies.prepare(context);
    if let Some(stored) = app.db.find_reply(&context).await? {
        return Ok(reply.open(&stored)?);
    }
    let verified = mfa::reauthenticate(
        app,
        Action::RecoveryCodesReplace,
        &context,
        request.current_password,
    )
    .await?;
    let attempt = verified.attempt.clone();
    let code = mfa::begin_reauthenticated(app, &verified, &request.mfa_code).await?;
    let input = Input {
        verified,
        code: code.ok_or(Error::MfaNotEnabled)?,
        recovery: mfa::new_recovery_codes(&app.db.environment().random),
        sealer: Arc::clone(&app.sealer),
        reply: reply.clone(),
    };
    let stored = app
        .db
        .idempotent(&context, "recovery_codes.replace", input, replace)
        .await;
    mfa::record_refusal(app, &attempt, id, &stored).await?;
    Ok(reply.open(&stored?)?)
}

async fn replace(tx: &Tx, input: &Input) -> Result<Sealed, Error> {
    let Reauthenticated { user, hash, attempt } = &input.verified;
    mfa::lock_verified(tx, user, hash).await?;
    login_attempts::succeed(tx, attempt, user.id).await?;
    mfa::verify(tx, &input.sealer, user.id, &input.code).await?;
    store::recovery_codes::replace(tx, user.id, &input.recovery).await?;
    Ok(input.reply.seal(&recovery_codes(&input.recovery))?)
}
