//! `BeginTotpEnrollment`: proposes a secret, which replaces an earlier proposal. The second factor in use stays until the new
//! one is confirmed, and its code is needed: a password alone does not replace it.

use std::sync::Arc;

use carshare_chassis::encryption::Sealer;
use carshare_chassis::proto_types::timestamp;
use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;

use crate::App;
use crate::audit::Action;
use crate::domain::{MfaCode, TotpSecret, UserId};
use crate::error::Error;
use crate::login_attempts;
use crate::mfa::{self, Reauthenticated};
use crate::sealed_reply::{Sealed, SealedReply};

struct Input {
    verified: Reauthenticated,
    code: Option<MfaCode>,
    secret: TotpSecret,
    sealer: Arc<Sealer>,
    reply: SealedReply<pb::TotpEnrollment>,
}

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::BeginTotpEnrollmentRequest,
) -> Result<pb::TotpEnrollment, Error> {
    let id = UserId(context.user()?.id);
    let (context, reply) = app.replies.prepare(context);
    // The code of a repeat was accepted before.
    if let Some(stored) = app.db.find_reply(&context).await? {
        return Ok(reply.open(&stored)?);
    }
    let verified = mfa::reauthenticate(app, Action::MfaPropose, &context, request.current_password).await?;
    let attempt = verified.attempt.clone();
    let given = request.mfa_code.unwrap_or_default();
    let input = Input {
        code: mfa::begin_reauthenticated(app, &verified, &given).await?,
        verified,
        secret: mfa::new_secret(&app.db.environment().random),
        sealer: Arc::clone(&app.sealer),
        reply: reply.clone(),
    };
    let stored = app
        .db
        .idempotent(&context, "totp_credentials.propose", input, propose)
        .await;
    mfa::record_refusal(app, &attempt, id, &stored).await?;
    Ok(reply.open(&stored?)?)
}

async fn propose(tx: &Tx, input: &Input) -> Result<Sealed, Error> {
    let Reauthenticated { user, hash, attempt } = &input.verified;
    mfa::lock_verified(tx, user, hash).await?;
    login_attempts::succeed(tx, attempt, user.id).await?;
    if let Some(code) = &input.code {
        mfa::verify(tx, &input.sealer, user.id, code).await?;
    }
    let expires_at = mfa::propose(tx, &input.sealer, user.id, &input.secret).await?;
    Ok(input.reply.seal(&pb::TotpEnrollment {
        secret: input.secret.base32(),
        otpauth_uri: input.secret.otpauth_uri(&user.email),
        expires_at: Some(timestamp(expires_at)),
    })?)
}
