//! `ResendVerificationEmail`: mails another token to the caller's address, unless it is verified.

use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;

use crate::App;
use crate::domain::{MailKind, UserId};
use crate::error::Error;
use crate::mail::NewMail;
use crate::store::{mails, users};

pub async fn handle(
    app: &App,
    context: CallContext,
    _: pb::ResendVerificationEmailRequest,
) -> Result<pb::ResendVerificationEmailResponse, Error> {
    let id = UserId(context.user()?.id);
    let user = users::find(app.db.conn(), id).await?.ok_or(Error::UserNotFound)?;
    if user.is_verified {
        return Ok(pb::ResendVerificationEmailResponse {});
    }
    let mail = app.mails.prepare(MailKind::Verification, &user.email)?;
    app.db
        .idempotent(&context, "mails.resend_verification", (id, mail), insert)
        .await
}

async fn insert(
    tx: &Tx,
    (id, mail): &(UserId, NewMail),
) -> Result<pb::ResendVerificationEmailResponse, Error> {
    mails::insert_verification(tx, mail, *id).await?;
    Ok(pb::ResendVerificationEmailResponse {})
}
