//! `Login`: signs in with e-mail address and password, and a code if the account has a second factor.
//!
//! An unknown address and a wrong password return the same error, and no sooner than a fixed time after the call began, so that neither
//! text nor time reveals who has an account or how many. The accounts of an address are tried one after the other, those that have not
//! verified it first: see [`users::list_by_email`]. Attempts after failures are delayed alike. That an
//! account is disabled is returned only to those who know its password.

use std::sync::Arc;

use carshare_chassis::encryption::Sealer;
use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;
use tokio::time::Instant;

use super::convert;
use crate::App;
use crate::audit::{Action, Origin};
use crate::domain::{Email, MfaCode, Password, PasswordHash, User};
use crate::error::Error;
use crate::issuer::Signer;
use crate::login_attempts::{self, Attempt};
use crate::mfa;
use crate::sealed_reply::{Sealed, SealedReply};
use crate::session;
use crate::store::users;

struct Input {
    user: User,
    /// Of the password that was verified.
    hash: PasswordHash,
    /// Replaces `hash`.
    upgraded: Option<PasswordHash>,
    attempt: Attempt,
    /// Of the second factor, if the account has one.
    code: Option<MfaCode>,
    sealer: Arc<Sealer>,
    signer: Signer,
    reply: SealedReply<pb::AuthResponse>,
}

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::LoginRequest,
) -> Result<pb::AuthResponse, Error> {
    let password = Password::new(request.password);
    let email = Email::new(&request.email);
    let code = request.mfa_code.as_deref();
    let attempts = &app.login_attempts;
    let origin = Origin::from(&context);
    let attempt = attempts.admit(Action::Login, &email, origin).await?;
    let verified = authenticate(app, &attempt, &email, &password).await?;
    let user = verified.0.id;
    let result = match sign_in(app, &context, &attempt, verified, &password, code).await {
        // A concurrent login has upgraded the hash, or the password was changed.
        Err(Error::PasswordReplaced) => {
            let verified = authenticate(app, &attempt, &email, &password).await?;
            sign_in(app, &context, &attempt, verified, &password, code).await
        }
        result => result,
    };
    mfa::record_refusal(app, &attempt, user, &result).await?;
    result
}

/// Returns the account of the password, and its hash. A failure is counted, and waits until `login.failure_ms` have passed.
async fn authenticate(
    app: &App,
    attempt: &Attempt,
    email: &Email,
    password: &Password,
) -> Result<(User, PasswordHash), Error> {
    let began = Instant::now();
    let accounts = users::list_by_email(app.db.conn(), email).await?;
    // The owner of the address, if there is one; otherwise the account that was registered last.
    let concerned = accounts.last().filter(|(user, _)| user.is_verified);
    let concerned = concerned.or(accounts.first()).map(|(user, _)| user.id);
    if accounts.is_empty() {
        app.passwords.verify(password.clone(), None).await?;
    }
    for (user, hash) in accounts {
        let stored = Some(hash.clone());
        if app.passwords.verify(password.clone(), stored).await? {
            return Ok((user, hash));
        }
    }
    let reason = if concerned.is_some() {
        "wrong_password"
    } else {
        "unknown_account"
    };
    app.login_attempts.fail(attempt, concerned, reason).await?;
    tokio::time::sleep_until(began + app.config.login.failure).await;
    Err(Error::InvalidCredentials)
}

async fn sign_in(
    app: &App,
    context: &CallContext,
    attempt: &Attempt,
    (user, hash): (User, PasswordHash),
    password: &Password,
    code: Option<&str>,
) -> Result<pb::AuthResponse, Error> {
    let (context, reply) = app.replies.prepare(context.clone());
    // The code of a repeat was accepted before.
    if user.mfa_enabled
        && let Some(stored) = app.db.find_reply(&context).await?
    {
        return Ok(reply.open(&stored)?);
    }
    let input = Input {
        code: mfa::begin_attempt(app, &user, code).await?,
        sealer: Arc::clone(&app.sealer),
        upgraded: app.passwords.upgrade(password.clone(), &hash).await,
        user,
        hash,
        attempt: attempt.clone(),
        signer: app.issuer.signer().await?,
        reply: reply.clone(),
    };
    let stored = app
        .db
        .idempotent(&context, "sessions.login", input, begin_session);
    Ok(reply.open(&stored.await?)?)
}

async fn begin_session(tx: &Tx, input: &Input) -> Result<Sealed, Error> {
    let (user, hash) = (&input.user, &input.hash);
    let is_current = match &input.upgraded {
        Some(upgraded) => users::upgrade_password(tx, user, hash, upgraded).await?,
        None => users::has_password(tx.conn(), user, hash).await?,
    };
    if !is_current {
        return Err(Error::PasswordReplaced);
    }
    if let Some(code) = &input.code {
        mfa::verify(tx, &input.sealer, user.id, code).await?;
    }
    let issued = session::begin(tx, &input.signer, user, &input.attempt.origin).await?;
    login_attempts::succeed(tx, &input.attempt, user.id).await?;
    Ok(input.reply.seal(&convert::auth_response(user, &issued))?)
}
