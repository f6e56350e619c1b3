//! `Register`: creates an account and signs it in.
//!
//! The reply and the work are the same for an address that has accounts: a mail informs its owner, who alone can verify it. Until then the
//! account is one of its own, and never touches theirs. Addresses are compared without case; phone numbers are stored in E.164; weak passwords are
//! rejected; admins are created by `create-admin` only. Account, session and `user.registered` are one transaction.

use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;

use super::convert;
use crate::App;
use crate::audit::{self, AccountHash, Action, Entry, Origin};
use crate::domain::{Email, MailKind, NewUser, Password, PasswordHash, User, UserId};
use crate::error::Error;
use crate::issuer::Signer;
use crate::mail::NewMail;
use crate::sealed_reply::{Sealed, SealedReply};
use crate::store::{mails, users};
use crate::{events, session};

struct Input {
    new: NewUser,
    hash: PasswordHash,
    account: AccountHash,
    origin: Origin,
    mail: NewMail,
    signer: Signer,
    reply: SealedReply<pb::AuthResponse>,
}

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::RegisterRequest,
) -> Result<pb::AuthResponse, Error> {
    let new = parse(&request)?;
    let password = Password::new(request.password);
    check_strength("password", &password, &new.email)?;
    let salt = app.salts.of(&new.email).await?;
    let hash = app.passwords.hash(password, salt).await?;
    let origin = Origin::from(&context);
    let (context, reply) = app.replies.prepare(context);
    let mail = app.mails.prepare(MailKind::Verification, &new.email)?;
    let input = Input {
        account: app.audit.account(&new.email),
        new,
        hash,
        origin,
        mail,
        signer: app.issuer.signer().await?,
        reply: reply.clone(),
    };
    let stored = app.db.idempotent(&context, "users.register", input, register);
    Ok(reply.open(&stored.await?)?)
}

async fn register(tx: &Tx, input: &Input) -> Result<Sealed, Error> {
    let user = create_account(tx, &input.new, &input.hash).await?;
    let entry = Entry::success(Action::Register)
        .account(input.account)
        .user(user.id);
    audit::record(tx, &input.origin, &entry).await?;
    mails::insert_verification(tx, &input.mail, user.id).await?;
    let issued = session::begin(tx, &input.signer, &user, &input.origin).await?;
    Ok(input.reply.seal(&convert::auth_response(&user, &issued))?)
}

/// Inserts an account and publishes `user.registered`.
pub(crate) async fn create_account(tx: &Tx, new: &NewUser, hash: &PasswordHash) -> Result<User, Error> {
    let user = new.register(UserId(tx.new_id()), tx.now());
    users::insert(tx.conn(), &user, hash).await?;
    tx.publish(&events::registered(&user));
    Ok(user)
}

/// Rejects a new password that is easy to guess.
pub(super) fn check_strength(field: &'static str, password: &Password, email: &Email) -> Result<(), Error> {
    let strong = password.check_strength(email);
    strong.map_err(|weakness| Error::WeakPassword(field, weakness))
}

fn parse(request: &pb::RegisterRequest) -> Result<NewUser, carshare_chassis::Error> {
    let (name, phone) = (convert::name(&request.name)?, convert::phone(&request.phone)?);
    let role = convert::registered_role(request.role())?;
    Ok(NewUser {
        email: Email::new(&request.email),
        name,
        phone,
        role,
        is_verified: false,
    })
}
