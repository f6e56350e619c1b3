//! `EnableAccount`: an admin enables a disabled account. Its sessions stay ended.

use carshare_chassis::proto_types::uuid;
use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;

use super::convert;
use crate::App;
use crate::audit::{self, Action, Entry, Origin};
use crate::domain::UserId;
use crate::error::Error;
use crate::store::{disabled_users, users};

struct Input {
    admin: UserId,
    user: UserId,
    reason: String,
    origin: Origin,
}

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::EnableAccountRequest,
) -> Result<pb::AccountState, Error> {
    let input = Input {
        admin: UserId(context.user()?.id),
        user: UserId(uuid("user_id", &request.user_id)?),
        reason: request.reason,
        origin: Origin::from(&context),
    };
    app.db.idempotent(&context, "users.enable", input, enable).await
}

async fn enable(tx: &Tx, input: &Input) -> Result<pb::AccountState, Error> {
    let user = input.user;
    if users::lock(tx.conn(), user).await?.is_none() {
        return Err(Error::UserNotFound);
    }
    if let Some(before) = disabled_users::lock(tx.conn(), user).await? {
        disabled_users::update(tx, user, None).await?;
        let entry = Entry::success(Action::AccountEnable)
            .because(input.reason.as_str())
            .user(user)
            .actor(input.admin)
            .change(convert::audited(Some(&before)), convert::audited(None));
        audit::record(tx, &input.origin, &entry).await?;
    }
    Ok(convert::account_state(user, None))
}
