//! `ChangePassword`: replaces the caller's password and ends their other sessions, in one transaction.
//!
//! A login with the old password that runs at the same time either is committed first, and its session is ended, or finds
//! the password changed: see [`users::has_password`].

use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;

use super::register::check_strength;
use crate::App;
use crate::audit::{Action, Origin};
use crate::domain::{EndReason, Password, PasswordHash, SessionId, UserId};
use crate::error::Error;
use crate::login_attempts::{self, Attempt};
use crate::sealed_reply::{Sealed, SealedReply};
use crate::session;
use crate::store::users;

struct Input {
    user: UserId,
    current: PasswordHash,
    new: PasswordHash,
    /// Stays signed in.
    session: SessionId,
    attempt: Attempt,
    reply: SealedReply<pb::ChangePasswordResponse>,
}

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::ChangePasswordRequest,
) -> Result<pb::ChangePasswordResponse, Error> {
    let (user, session) = (UserId(context.user()?.id), SessionId(context.user()?.session_id));
    let origin = Origin::from(&context);
    let (context, reply) = app.replies.prepare(context);
    // The current password of a repeat is not the current one any more.
    if let Some(stored) = app.db.find_reply(&context).await? {
        return Ok(reply.open(&stored)?);
    }
    let (attempt, current, new) = verify(app, user, origin, request).await?;
    let input = Input {
        user,
        current,
        new,
        session,
        attempt,
        reply: reply.clone(),
    };
    let stored = app
        .db
        .idempotent(&context, "users.change_password", input, change);
    let changed = reply.open(&stored.await?)?;
    app.revoker.copy_user(user).await;
    Ok(changed)
}

/// Verifies the current password, and returns its hash and that of the new one. Wrong ones are counted and delayed, see
/// [`crate::login_attempts::LoginAttempts::admit_signed_in`].
async fn verify(
    app: &App,
    user: UserId,
    origin: Origin,
    request: pb::ChangePasswordRequest,
) -> Result<(Attempt, PasswordHash, PasswordHash), Error> {
    let found = users::find_with_password(app.db.conn(), user).await?;
    let (account, current) = found.ok_or(Error::UserNotFound)?;
    let attempts = &app.login_attempts;
    let admitted = attempts.admit_signed_in(Action::PasswordChange, &account.email, user, origin);
    let attempt = admitted.await?;
    let password = Password::new(request.current_password);
    if !app.passwords.verify(password, current.clone()).await? {
        attempts.fail(&attempt, Some(user), "wrong_password").await?;
        return Err(Error::WrongPassword("current_password"));
    }
    let new = Password::new(request.new_password);
    check_strength("new_password", &new, &account.email)?;
    let salt = app.salts.of(&account.email).await?;
    Ok((attempt, current, app.passwords.hash(new, salt).await?))
}

async fn change(tx: &Tx, input: &Input) -> Result<Sealed, Error> {
    // The password first: a concurrent login waits for it, or is waited for.
    if !users::update_password(tx, input.user, &input.current, &input.new).await? {
        return Err(Error::WrongPassword("current_password"));
    }
    login_attempts::succeed(tx, &input.attempt, input.user).await?;
    let (kept, origin) = (Some(input.session), &input.attempt.origin);
    session::end_all(tx, input.user, kept, EndReason::PasswordChange, origin).await?;
    Ok(input.reply.seal(&pb::ChangePasswordResponse {})?)
}
