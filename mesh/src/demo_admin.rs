//! The administrator of the demo data, made as an operator makes one.

use anyhow::Result;
use carshare_auth::domain::{Password, TotpSecret};
use carshare_auth::error::Error;
use carshare_auth::{Config, NewAdmin, add_missing_second_factor, create_admin};
use carshare_chassis::Environment;
use carshare_mesh::demo;

/// Creates the administrator, unless an earlier load did.
pub async fn create(auth: &Config, environment: Environment) -> Result<()> {
    let admin = NewAdmin {
        email: demo::ADMIN.to_owned(),
        name: "운영자".to_owned(),
        phone: "010-9000-0001".to_owned(),
        password: Password::new(demo::PASSWORD),
        totp_secret: Some(TotpSecret::new(demo::ADMIN_TOTP_SECRET)),
    };
    match create_admin(auth, environment, admin).await {
        Err(error) if matches!(error.downcast_ref(), Some(Error::EmailTaken)) => Ok(()),
        made => made.map(drop),
    }
}

/// Gives the administrator the second factor that the banner names, if the data folder is of a release without second factors.
pub async fn complete(auth: &Config, environment: Environment) -> Result<()> {
    let secret = TotpSecret::new(demo::ADMIN_TOTP_SECRET);
    if add_missing_second_factor(auth, environment, demo::ADMIN, secret).await? {
        println!(
            "The demo data are of an earlier release: {} has a second factor now, as admins need one.",
            demo::ADMIN
        );
    }
    Ok(())
}
