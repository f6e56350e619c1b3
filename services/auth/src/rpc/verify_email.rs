//! `VerifyEmail`: verifies an e-mail address by a mailed token, which is valid for one use.
//!
//! The address passes from an unverified account that held it, of somebody who never proved to read its mails, to this one.

use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;

use crate::App;
use crate::audit::{self, Action, Entry, Origin};
use crate::domain::{MailKind, MailToken, TokenHash};
use crate::email_address;
use crate::error::Error;
use crate::store::mails;

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::VerifyEmailRequest,
) -> Result<pb::VerifyEmailResponse, Error> {
    let token = MailToken::from(request.token).hash();
    let input = (token, Origin::from(&context));
    app.db
        .idempotent(&context, "users.verify_email", input, verify)
        .await
}

async fn verify(tx: &Tx, (token, origin): &(TokenHash, Origin)) -> Result<pb::VerifyEmailResponse, Error> {
    let token = mails::use_token(tx, MailKind::Verification, *token).await?;
    let id = token.ok_or(Error::InvalidMailToken)?.user_id();
    let user = email_address::lock(tx, id).await?;
    let user = user.ok_or(Error::InvalidMailToken)?;
    // An earlier mail has another token.
    if !user.is_verified {
        email_address::verify(tx, user).await?;
        let entry = Entry::success(Action::EmailVerify).user(id);
        audit::record(tx, origin, &entry).await?;
    }
    Ok(pb::VerifyEmailResponse {})
}
