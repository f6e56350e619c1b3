//! `remove-second-factor`: an operator helps a user who has lost the authenticator app and the recovery codes, after having made sure
//! who asks.

use anyhow::Context as _;
use carshare_chassis::Environment;
use carshare_store::{Db, Tx};
use serde_json::json;

use crate::audit::{self, AccountHash, AccountHasher, Action, Entry, Origin};
use crate::config::Config;
use crate::domain::{Email, EndReason};
use crate::error::Error;
use crate::store::users;
use crate::{mfa, session};

struct Input {
    email: Email,
    account: AccountHash,
    origin: Origin,
}

/// Removes the second factor of the account that holds an e-mail address, and ends its sessions. An admin has no rights until they enrol
/// another one. An error when there is no such account, or it has no second factor.
pub async fn remove_second_factor(
    config: &Config,
    environment: Environment,
    email: &str,
) -> anyhow::Result<()> {
    let email = Email::new(email);
    let input = Input {
        account: AccountHasher::new(&config.seal)?.hash(&email),
        origin: Origin::without_client(environment.ids.next()),
        email,
    };
    let db = Db::connect(&config.database, environment)?;
    let removed = db.transaction("totp_credentials.remove", input, remove).await;
    db.close().await;
    removed.context("cannot remove the second factor")
}

async fn remove(tx: &Tx, input: &Input) -> Result<(), Error> {
    let found = users::find_by_email(tx.conn(), &input.email).await?;
    let (found, _) = found.ok_or(Error::UserNotFound)?;
    let user = users::lock(tx.conn(), found.id)
        .await?
        .ok_or(Error::UserNotFound)?;
    if !user.mfa_enabled {
        return Err(Error::MfaNotEnabled);
    }
    mfa::disable(tx, user.id).await?;
    session::end_all(tx, user.id, None, EndReason::MfaChange, &input.origin).await?;
    let entry = Entry::success(Action::MfaRemove)
        .account(input.account)
        .user(user.id);
    let (before, after) = (json!({"mfa_enabled": true}), json!({"mfa_enabled": false}));
    audit::record(tx, &input.origin, &entry.change(before, after)).await
}
