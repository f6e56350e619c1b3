//! `Login`: signs in with e-mail and password.
//!
//! Rule: an unknown address and a wrong password are the same refusal, after the same work.

use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;

use super::convert;
use crate::App;
use crate::domain::{Email, Password, User};
use crate::error::Error;
use crate::issuer::Signer;
use crate::sealed_reply::{Sealed, SealedReply};
use crate::session;
use crate::store::users;

struct Input {
    user: User,
    signer: Signer,
    reply: SealedReply<pb::AuthResponse>,
}

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::LoginRequest,
) -> Result<pb::AuthResponse, Error> {
    let user = identify(app, request).await?;
    let (context, reply) = app.replies.of(context);
    let input = Input {
        user,
        signer: app.issuer.signer().await?,
        reply: reply.clone(),
    };
    let stored = app
        .db
        .idempotent(&context, "sessions.login", input, begin_session);
    Ok(reply.open(&stored.await?)?)
}

async fn begin_session(tx: &Tx, input: &Input) -> Result<Sealed, Error> {
    let issued = session::begin(tx, &input.signer, &input.user).await?;
    Ok(input.reply.seal(&convert::auth_response(&input.user, &issued))?)
}

async fn identify(app: &App, request: pb::LoginRequest) -> Result<User, Error> {
    let found = users::find_by_email(app.db.conn(), &Email::new(&request.email)).await?;
    let (user, hash) = found.unzip();
    let fits = app
        .passwords
        .verify(Password::new(request.password), hash)
        .await?;
    user.filter(|_| fits).ok_or(Error::InvalidCredentials)
}
