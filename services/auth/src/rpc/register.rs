//! `Register`: creates an account and signs it in.
//!
//! An e-mail address belongs to one account, whatever its case; phone numbers are stored in E.164; weak passwords are
//! rejected; admins are created by `create-admin` only. Account, session and `user.registered` are one transaction.

use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;

use super::convert;
use crate::App;
use crate::domain::{Email, NewUser, Password, PasswordHash, Phone, User, UserId};
use crate::error::Error;
use crate::issuer::Signer;
use crate::sealed_reply::{Sealed, SealedReply};
use crate::store::users;
use crate::{events, session};

struct Input {
    new: NewUser,
    hash: PasswordHash,
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
    password.check_strength(&new.email).map_err(Error::WeakPassword)?;
    let hash = app.passwords.hash(password).await?;
    let (context, reply) = app.replies.prepare(context);
    let input = Input {
        new,
        hash,
        signer: app.issuer.signer().await?,
        reply: reply.clone(),
    };
    let stored = app.db.idempotent(&context, "users.register", input, register);
    Ok(reply.open(&stored.await?)?)
}

async fn register(tx: &Tx, input: &Input) -> Result<Sealed, Error> {
    let user = create_account(tx, &input.new, &input.hash).await?;
    let issued = session::begin(tx, &input.signer, &user).await?;
    Ok(input.reply.seal(&convert::auth_response(&user, &issued))?)
}

/// Inserts an account and publishes `user.registered`. [`Error::EmailTaken`] when its e-mail address has an account.
pub(crate) async fn create_account(tx: &Tx, new: &NewUser, hash: &PasswordHash) -> Result<User, Error> {
    let user = new.register(UserId(tx.new_id()), tx.now());
    users::insert(tx.conn(), &user, hash).await?;
    tx.publish(&events::registered(&user));
    Ok(user)
}

fn parse(request: &pb::RegisterRequest) -> Result<NewUser, carshare_chassis::Error> {
    let name = request.name.trim();
    if name.is_empty() {
        return Err(carshare_chassis::Error::invalid(
            "name",
            "이름을 입력해 주세요.",
            "must not be blank",
        ));
    }
    let phone = Phone::parse(&request.phone).ok_or_else(|| {
        carshare_chassis::Error::invalid(
            "phone",
            "휴대폰 번호를 확인해 주세요.",
            "must be a Korean mobile number",
        )
    })?;
    let role = convert::registered_role(request.role())?;
    Ok(NewUser {
        email: Email::new(&request.email),
        name: name.to_owned(),
        phone,
        role,
    })
}
