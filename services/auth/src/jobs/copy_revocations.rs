//! Copies all unexpired revocations to Redis: those that a logout could not copy, and those that Redis lost.

use crate::App;
use crate::error::Error;

pub async fn handle(app: &App) -> Result<(), Error> {
    let count = app.revoker.copy_all().await?;
    metrics::gauge!("auth_revocations").set(count as f64);
    Ok(())
}
