//! The administrator of the demo data, made as an operator makes one.

use anyhow::{Context as _, Result};
use carshare_auth::domain::{Password, TotpSecret};
use carshare_auth::error::Error;
use carshare_auth::{Config, NewAdmin, add_missing_second_factor, create_admin};
use carshare_chassis::Environment;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::client::Client;
use super::{ADMIN, ADMIN_TOTP_SECRET, PASSWORD};

/// Creates the administrator, unless an earlier load did.
pub async fn create(auth: &Config, environment: Environment) -> Result<()> {
    let admin = NewAdmin {
        email: ADMIN.to_owned(),
        name: "운영자".to_owned(),
        phone: "010-9000-0001".to_owned(),
        password: Password::new(PASSWORD),
        totp_secret: Some(TotpSecret::new(ADMIN_TOTP_SECRET)),
    };
    match create_admin(auth, environment, admin).await {
        Err(error) if matches!(error.downcast_ref(), Some(Error::EmailTaken)) => Ok(()),
        made => made.map(drop),
    }
}

/// Gives the administrator the second factor that the banner names, if the data folder is of a release without second factors.
pub async fn complete(auth: &Config, environment: Environment) -> Result<()> {
    let secret = TotpSecret::new(ADMIN_TOTP_SECRET);
    if add_missing_second_factor(auth, environment, ADMIN, secret).await? {
        println!(
            "The demo data are of an earlier release: {ADMIN} has a second factor now, as admins need one."
        );
    }
    Ok(())
}

/// Signs in at this time of the mesh and returns an access token. A code counts once, so a second time has to be half a minute later.
pub(super) async fn sign_in(client: &Client, now: DateTime<Utc>) -> Result<String> {
    let code = TotpSecret::new(ADMIN_TOTP_SECRET).code(now);
    let credentials = json!({ "email": ADMIN, "password": PASSWORD, "mfa_code": code });
    let session = client
        .post_to(&client.url("/v1/auth/login"), &credentials)
        .await?;
    super::token(&session).context("the administrator")
}
