//! `RequestPasswordReset`: mails a token to an address that has an account.
//!
//! The statement is the same for one that has none: whether a mail is sent is decided by the job. It counts requests from client addresses
//! that the account knows and others apart, so that strangers do not use up the mails of the owner.

use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;

use crate::App;
use crate::audit::{self, Action, Entry, Origin};
use crate::domain::{Email, MailKind};
use crate::error::Error;
use crate::mail::NewMail;
use crate::sealed_reply::{Sealed, SealedReply};
use crate::store::mails;

struct Input {
    email: Email,
    entry: Entry,
    origin: Origin,
    mail: NewMail,
    reply: SealedReply<pb::RequestPasswordResetResponse>,
}

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::RequestPasswordResetRequest,
) -> Result<pb::RequestPasswordResetResponse, Error> {
    // The stored hash of the request is keyed: it is one of an address.
    let origin = Origin::from(&context);
    let (context, reply) = app.replies.prepare(context);
    let email = Email::new(&request.email);
    let input = Input {
        entry: Entry::success(Action::PasswordResetRequest).account(app.audit.account(&email)),
        origin,
        mail: app.mails.prepare(MailKind::PasswordReset, &email)?,
        email,
        reply: reply.clone(),
    };
    let stored = app
        .db
        .idempotent(&context, "mails.request_password_reset", input, insert);
    Ok(reply.open(&stored.await?)?)
}

async fn insert(tx: &Tx, input: &Input) -> Result<Sealed, Error> {
    mails::insert_reset(tx, &input.mail, &input.email, input.origin.address()).await?;
    audit::record(tx, &input.origin, &input.entry).await?;
    Ok(input.reply.seal(&pb::RequestPasswordResetResponse {})?)
}
