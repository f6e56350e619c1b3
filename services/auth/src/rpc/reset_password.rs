//! `ResetPassword`: replaces a password by a mailed token, and ends all sessions of the account.
//!
//! The token is valid for one use, while the account holds the address and has the password of the request: a change of the password ends
//! older tokens. It proves that the user reads the mailbox, so the address is verified. No session begins: the user signs in, with a
//! second factor if they have one.

use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;
use sha2::{Digest as _, Sha256};

use super::register::check_strength;
use crate::audit::{self, AccountHash, Action, Entry, Origin};
use crate::domain::{EndReason, MailKind, MailToken, Password, PasswordHash, TokenHash, User, UserId};
use crate::error::Error;
use crate::sealed_reply::{Sealed, SealedReply};
use crate::store::{mails, users};
use crate::{App, email_address, session};

struct Input {
    token: TokenHash,
    account: AccountHash,
    origin: Origin,
    new: PasswordHash,
    reply: SealedReply<StoredReply>,
}

/// The stored reply, which repeats with the same idempotency key return.
#[derive(Clone, PartialEq, prost::Message)]
struct StoredReply {
    /// UUID of the account.
    #[prost(bytes = "vec", tag = "1")]
    user: Vec<u8>,
}

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::ResetPasswordRequest,
) -> Result<pb::ResetPasswordResponse, Error> {
    let (context, reply) = app.replies.prepare(context);
    // The token of a repeat is used.
    let stored = if let Some(stored) = app.db.find_reply(&context).await? {
        stored
    } else {
        let replaced = reset(app, &context, request, reply.clone()).await;
        if let Err(Error::InvalidMailToken) = replaced {
            let entry = Entry::failure(Action::PasswordReset, "invalid_token");
            app.audit.record(&Origin::from(&context), entry).await?;
        }
        replaced?
    };
    let user = uuid::Uuid::from_slice(&reply.open(&stored)?.user);
    app.revoker
        .copy_user(UserId(user.map_err(anyhow::Error::from)?))
        .await;
    Ok(pb::ResetPasswordResponse {})
}

async fn reset(
    app: &App,
    context: &CallContext,
    request: pb::ResetPasswordRequest,
    reply: SealedReply<StoredReply>,
) -> Result<Sealed, Error> {
    let token = MailToken::from(request.token).hash();
    let now = app.db.environment().clock.now();
    // A hash is computed for valid tokens only.
    let found = mails::find_token(app.db.conn(), MailKind::PasswordReset, token, now).await?;
    let id = found.ok_or(Error::InvalidMailToken)?.user_id();
    let user = users::find(app.db.conn(), id)
        .await?
        .ok_or(Error::InvalidMailToken)?;
    let password = Password::new(request.new_password);
    check_strength("new_password", &password, &user.email)?;
    let salt = app.salts.of(&user.email).await?;
    let input = Input {
        token,
        account: app.audit.account(&user.email),
        origin: Origin::from(context),
        new: app.passwords.hash(password, salt).await?,
        reply,
    };
    app.db
        .idempotent(context, "users.reset_password", input, replace)
        .await
}

async fn replace(tx: &Tx, input: &Input) -> Result<Sealed, Error> {
    let token = mails::use_token(tx, MailKind::PasswordReset, input.token).await?;
    let token = token.ok_or(Error::InvalidMailToken)?;
    let user = email_address::lock(tx, token.user_id()).await?;
    let user = user.ok_or(Error::InvalidMailToken)?;
    let current = current_password(tx, &user, token.password_digest.as_deref()).await?;
    if !users::update_password(tx, user.id, &current, &input.new).await? {
        return Err(Error::InvalidMailToken);
    }
    let id = user.id;
    let entry = Entry::success(Action::PasswordReset)
        .account(input.account)
        .user(id);
    audit::record(tx, &input.origin, &entry).await?;
    session::end_all(tx, id, None, EndReason::PasswordReset, &input.origin).await?;
    if !user.is_verified {
        email_address::verify(tx, user).await?;
    }
    Ok(input.reply.seal(&StoredReply {
        user: id.0.as_bytes().to_vec(),
    })?)
}

/// Returns the current password of the account, if the account holds its address and the password is that of the request.
async fn current_password(tx: &Tx, user: &User, digest: Option<&[u8]>) -> Result<PasswordHash, Error> {
    let holder = users::find_by_email(tx.conn(), &user.email).await?;
    let current = holder
        .filter(|(holder, _)| holder.id == user.id)
        .map(|(_, current)| current)
        .filter(|current| digest.is_some_and(|digest| Sha256::digest(current.expose())[..] == *digest));
    current.ok_or(Error::InvalidMailToken)
}
