//! Deletes rows past their retention: revocations of expired tokens, and expired sessions with their refresh tokens.

use crate::App;
use crate::error::Error;
use crate::store::{revocations, sessions};

pub async fn handle(app: &App) -> Result<(), Error> {
    let now = app.environment.clock.now();
    let kept = app.config.sessions.keep_expired;
    let revocations = revocations::delete_expired(app.db.conn(), now).await?;
    let sessions = sessions::delete_expired(app.db.conn(), now - kept).await?;
    tracing::info!(revocations, sessions, "purged");
    Ok(())
}
