//! `Login`: signs in with e-mail address and password, and a code if the account has a second factor.
//!
//! An unknown address and a wrong password return the same error, and no sooner than a fixed time after the call began, so that neither
//! text nor time reveals who has an account or how many. The password is hashed once and compared with those of all accounts of the
//! address: see [`crate::passwords::Salts`]. Attempts after failures are delayed alike. That an
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
use crate::passwords::{Salt, Settings};
use crate::sealed_reply::{Sealed, SealedReply};
use crate::session;
use crate::store::{sign_ins, users};

/// Hashes of other settings that a sign-in computes after that of the current ones.
const OTHER_SETTINGS_LIMIT: i64 = 3;

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
    let attempt = attempts.admit(Action::Login, &email, None, origin).await?;
    let salt = app.salts.of(&email).await?;
    let verified = authenticate(app, &attempt, &email, &password, salt).await?;
    let user = verified.0.id;
    let result = match sign_in(app, &context, &attempt, verified, (&password, salt), code).await {
        // A concurrent login has upgraded the hash, or the password was changed.
        Err(Error::PasswordReplaced) => {
            let verified = authenticate(app, &attempt, &email, &password, salt).await?;
            sign_in(app, &context, &attempt, verified, (&password, salt), code).await
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
    salt: Salt,
) -> Result<(User, PasswordHash), Error> {
    let began = Instant::now();
    let conn = app.db.conn();
    let current = app.passwords.settings(salt);
    let hash = app.passwords.candidate(password.clone(), current.clone());
    let hash = hash.await?;
    let find = |hash| find(app, attempt, email, hash);
    if let Some(found) = find(hash.clone()).await? {
        return Ok(found);
    }
    let others = sign_ins::list_other_settings(conn, email, current.as_str(), OTHER_SETTINGS_LIMIT);
    for other in others.await? {
        let other = Settings::from_stored(other);
        let hash = app.passwords.candidate(password.clone(), other).await?;
        if let Some(found) = find(hash).await? {
            return Ok(found);
        }
    }
    // A concurrent login may have upgraded the hash meanwhile.
    if let Some(found) = find(hash).await? {
        return Ok(found);
    }
    let concerned = sign_ins::find_concerned(conn, email).await?;
    let reason = if concerned.is_some() {
        "wrong_password"
    } else {
        "unknown_account"
    };
    app.login_attempts.fail(attempt, concerned, reason).await?;
    tokio::time::sleep_until(began + app.config.login.failure).await;
    Err(Error::InvalidCredentials)
}

/// Finds the account with this hash.
async fn find(
    app: &App,
    attempt: &Attempt,
    email: &Email,
    hash: PasswordHash,
) -> Result<Option<(User, PasswordHash)>, Error> {
    let found = sign_ins::find_by_password(app.db.conn(), email, &hash, attempt.known_only_at());
    Ok(found.await?.map(|user| (user, hash)))
}

async fn sign_in(
    app: &App,
    context: &CallContext,
    attempt: &Attempt,
    (user, hash): (User, PasswordHash),
    (password, salt): (&Password, Salt),
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
        upgraded: app.passwords.upgrade(password.clone(), &hash, salt).await,
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
