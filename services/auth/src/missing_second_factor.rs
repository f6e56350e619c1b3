//! Gives an admin of a release without second factors one, for the demo data of a development mesh.

use anyhow::Context as _;
use carshare_chassis::Environment;
use carshare_chassis::encryption::Sealer;
use carshare_chassis::identity::Role;
use carshare_store::{Db, Tx};
use serde_json::json;

use crate::audit::{self, AccountHash, AccountHasher, Action, Entry, Origin};
use crate::config::Config;
use crate::domain::{Email, EndReason, RecoveryCode, TotpSecret};
use crate::error::Error;
use crate::store::users;
use crate::{mfa, session};

struct Input {
    email: Email,
    account: AccountHash,
    origin: Origin,
    secret: TotpSecret,
    recovery: Vec<RecoveryCode>,
    sealer: Sealer,
}

/// Enables this secret for the admin with the address, if there is one without a second factor, and ends their sessions. Returns
/// whether it did.
pub async fn add_missing_second_factor(
    config: &Config,
    environment: Environment,
    email: &str,
    secret: TotpSecret,
) -> anyhow::Result<bool> {
    let email = Email::new(email);
    let input = Input {
        account: AccountHasher::new(&config.seal)?.hash(&email),
        origin: Origin::without_client(environment.ids.next()),
        email,
        secret,
        recovery: mfa::new_recovery_codes(&environment.random),
        sealer: Sealer::new(&config.seal, environment.random.clone())?,
    };
    let db = Db::connect(&config.database, environment)?;
    let added = db.transaction("totp_credentials.add_missing", input, add).await;
    db.close().await;
    added.context("cannot add a second factor")
}

async fn add(tx: &Tx, input: &Input) -> Result<bool, Error> {
    let found = users::find_by_email(tx.conn(), &input.email).await?;
    let Some((found, _)) = found else {
        return Ok(false);
    };
    let user = users::lock(tx.conn(), found.id).await?;
    let Some(user) = user.filter(|user| user.role == Role::Admin && !user.mfa_enabled) else {
        return Ok(false);
    };
    mfa::propose(tx, &input.sealer, user.id, &input.secret).await?;
    // No code was used yet: the first one of any step is accepted.
    mfa::enable(tx, user.id, 0, &input.recovery).await?;
    session::end_all(tx, user.id, None, EndReason::MfaChange, &input.origin).await?;
    let entry = Entry::success(Action::MfaEnable)
        .account(input.account)
        .user(user.id);
    let (before, after) = (json!({"mfa_enabled": false}), json!({"mfa_enabled": true}));
    audit::record(tx, &input.origin, &entry.change(before, after)).await?;
    Ok(true)
}
