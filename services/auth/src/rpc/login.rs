//! `Login`: signs in with e-mail address and password.
//!
//! An unknown address and a wrong password return the same error after the same work, so that neither text nor time reveals
//! who has an account.

use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;

use super::convert;
use crate::App;
use crate::domain::{Email, Password, PasswordHash, User};
use crate::error::Error;
use crate::issuer::Signer;
use crate::sealed_reply::{Sealed, SealedReply};
use crate::session;
use crate::store::users;

struct Input {
    user: User,
    /// Of the password that was verified.
    hash: PasswordHash,
    signer: Signer,
    reply: SealedReply<pb::AuthResponse>,
}

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::LoginRequest,
) -> Result<pb::AuthResponse, Error> {
    let (user, hash) = authenticate(app, request).await?;
    let (context, reply) = app.replies.prepare(context);
    let input = Input {
        user,
        hash,
        signer: app.issuer.signer().await?,
        reply: reply.clone(),
    };
    let stored = app
        .db
        .idempotent(&context, "sessions.login", input, begin_session);
    Ok(reply.open(&stored.await?)?)
}

async fn begin_session(tx: &Tx, input: &Input) -> Result<Sealed, Error> {
    if !users::has_password(tx.conn(), input.user.id, &input.hash).await? {
        return Err(Error::InvalidCredentials);
    }
    let issued = session::begin(tx, &input.signer, &input.user).await?;
    Ok(input.reply.seal(&convert::auth_response(&input.user, &issued))?)
}

/// Verifies the password, and returns the account and the hash.
async fn authenticate(app: &App, request: pb::LoginRequest) -> Result<(User, PasswordHash), Error> {
    let found = users::find_by_email(app.db.conn(), &Email::new(&request.email)).await?;
    let hash = found.as_ref().map(|(_, hash)| hash.clone());
    let matches = app
        .passwords
        .verify(Password::new(request.password), hash)
        .await?;
    found.filter(|_| matches).ok_or(Error::InvalidCredentials)
}
