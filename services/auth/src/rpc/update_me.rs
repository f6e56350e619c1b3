//! `UpdateMe`: changes the fields of the caller's account that are present. A change to the present values changes nothing.
//!
//! `user.updated` carries the public profile, so a new phone number alone publishes nothing.

use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;

use super::convert;
use crate::App;
use crate::domain::{Phone, UserId};
use crate::error::Error;
use crate::events;
use crate::store::users;

struct Input {
    id: UserId,
    name: Option<String>,
    phone: Option<Phone>,
}

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::UpdateMeRequest,
) -> Result<pb::User, Error> {
    let input = Input {
        id: UserId(context.user()?.id),
        name: request.name.as_deref().map(convert::name).transpose()?,
        phone: request.phone.as_deref().map(convert::phone).transpose()?,
    };
    app.db.idempotent(&context, "users.update", input, update).await
}

async fn update(tx: &Tx, input: &Input) -> Result<pb::User, Error> {
    let before = users::lock(tx.conn(), input.id)
        .await?
        .ok_or(Error::UserNotFound)?;
    let mut user = before.clone();
    user.name = input.name.clone().unwrap_or(user.name);
    user.phone = input.phone.clone().unwrap_or(user.phone);
    if user != before {
        users::update(tx, &user).await?;
    }
    if convert::profile(&user) != convert::profile(&before) {
        tx.publish(&events::updated(&user));
    }
    Ok(convert::user(&user))
}
