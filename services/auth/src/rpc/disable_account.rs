//! `DisableAccount`: an admin disables an account and ends its sessions, in one transaction.
//!
//! The account is locked first: a login that runs at the same time either has begun its session before, which is ended, or finds the
//! account disabled.

use carshare_chassis::proto_types::uuid;
use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;

use super::convert;
use crate::App;
use crate::audit::{self, Action, Entry, Origin};
use crate::domain::{EndReason, UserId};
use crate::error::Error;
use crate::session;
use crate::store::disabled_users::{self, Disabled};
use crate::store::users;

struct Input {
    admin: UserId,
    user: UserId,
    reason: String,
    origin: Origin,
}

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::DisableAccountRequest,
) -> Result<pb::AccountState, Error> {
    let input = Input {
        admin: UserId(context.user()?.id),
        user: UserId(uuid("user_id", &request.user_id)?),
        reason: request.reason,
        origin: Origin::from(&context),
    };
    let user = input.user;
    if user == input.admin {
        return Err(Error::OwnAccount);
    }
    let state = app
        .db
        .idempotent(&context, "users.disable", input, disable)
        .await?;
    app.revoker.copy_user(user).await;
    Ok(state)
}

async fn disable(tx: &Tx, input: &Input) -> Result<pb::AccountState, Error> {
    let user = input.user;
    if users::lock(tx.conn(), user).await?.is_none() {
        return Err(Error::UserNotFound);
    }
    let before = disabled_users::lock(tx.conn(), user).await?;
    let disabled = Disabled {
        at: before.as_ref().map_or(tx.now(), |before| before.at),
        reason: input.reason.clone(),
    };
    disabled_users::update(tx, user, Some(&disabled)).await?;
    session::end_all(tx, user, None, EndReason::AccountDisabled, &input.origin).await?;
    let entry = Entry::success(Action::AccountDisable)
        .because(input.reason.as_str())
        .user(user)
        .actor(input.admin)
        .change(
            convert::audited(before.as_ref()),
            convert::audited(Some(&disabled)),
        );
    audit::record(tx, &input.origin, &entry).await?;
    Ok(convert::account_state(user, Some(&disabled)))
}
