//! `VerifyEmail`: verifies an e-mail address by a mailed token, which is valid for one use.
//!
//! The token proves that the caller reads the mailbox, not that they registered the account: a stranger may have, and would share an account
//! with whoever follows the link of the wrong mail. So the caller also has a session of the account or its password, on any device.
//!
//! The address passes from an unverified account that held it, of somebody who never proved to read its mails, to this one.

use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;

use crate::App;
use crate::audit::{self, Action, Entry, Origin};
use crate::domain::{MailKind, MailToken, Password, PasswordHash, TokenHash};
use crate::email_address;
use crate::error::Error;
use crate::sealed_reply::{Sealed, SealedReply};
use crate::store::{mails, users};

struct Input {
    token: TokenHash,
    origin: Origin,
    /// Of the password that was verified; `None` if the caller is signed in.
    hash: Option<PasswordHash>,
    reply: SealedReply<pb::VerifyEmailResponse>,
}

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::VerifyEmailRequest,
) -> Result<pb::VerifyEmailResponse, Error> {
    let (context, reply) = app.replies.prepare(context);
    // The token of a repeat is used.
    if let Some(stored) = app.db.find_reply(&context).await? {
        return Ok(reply.open(&stored)?);
    }
    let stored = check_and_verify(app, &context, request, reply.clone()).await;
    if let Err(error @ (Error::InvalidMailToken | Error::PasswordRequired)) = &stored {
        let reason = if matches!(error, Error::PasswordRequired) {
            "password_required"
        } else {
            "invalid_token"
        };
        let entry = Entry::failure(Action::EmailVerify, reason);
        app.audit.record(&Origin::from(&context), entry).await?;
    }
    Ok(reply.open(&stored?)?)
}

async fn check_and_verify(
    app: &App,
    context: &CallContext,
    request: pb::VerifyEmailRequest,
    reply: SealedReply<pb::VerifyEmailResponse>,
) -> Result<Sealed, Error> {
    let token = MailToken::from(request.token).hash();
    let now = app.db.environment().clock.now();
    // A hash is computed for valid tokens only.
    let found = mails::find_token(app.db.conn(), MailKind::Verification, token, now).await?;
    let id = found.ok_or(Error::InvalidMailToken)?.user_id();
    let origin = Origin::from(context);
    let hash = if context.user().is_ok_and(|user| user.id == id.0) {
        None
    } else {
        let password = request.password.map(Password::new);
        let password = password.ok_or(Error::PasswordRequired)?;
        let found = users::find_with_password(app.db.conn(), id).await?;
        let (user, hash) = found.ok_or(Error::InvalidMailToken)?;
        let attempts = &app.login_attempts;
        let attempt = attempts
            .admit(Action::EmailVerify, &user.email, Some(id), origin.clone())
            .await?;
        if !app.passwords.verify(password, hash.clone()).await? {
            attempts.fail(&attempt, Some(id), "wrong_password").await?;
            return Err(Error::WrongPassword("password"));
        }
        Some(hash)
    };
    let input = Input {
        token,
        origin,
        hash,
        reply,
    };
    let verified = app.db.idempotent(context, "users.verify_email", input, verify);
    verified.await
}

async fn verify(tx: &Tx, input: &Input) -> Result<Sealed, Error> {
    let token = mails::use_token(tx, MailKind::Verification, input.token).await?;
    let id = token.ok_or(Error::InvalidMailToken)?.user_id();
    let user = email_address::lock(tx, id).await?;
    let user = user.ok_or(Error::InvalidMailToken)?;
    if let Some(hash) = &input.hash
        && !users::has_password(tx.conn(), &user, hash).await?
    {
        return Err(Error::WrongPassword("password"));
    }
    // An earlier mail has another token.
    if !user.is_verified {
        email_address::verify(tx, user).await?;
        let entry = Entry::success(Action::EmailVerify).user(id);
        audit::record(tx, &input.origin, &entry).await?;
    }
    Ok(input.reply.seal(&pb::VerifyEmailResponse {})?)
}
