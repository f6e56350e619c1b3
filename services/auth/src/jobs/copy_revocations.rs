//! Copies every revoked access token that still counts to Redis: what a sign-out could not copy while Redis was away, and
//! what Redis has forgotten.

use crate::App;
use crate::error::Error;

pub async fn handle(app: &App) -> Result<(), Error> {
    let count = app.revoker.copy_all().await?;
    metrics::gauge!("auth_revocations").set(count as f64);
    Ok(())
}
