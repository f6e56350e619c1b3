//! Steps of a session in the database: begin, rotate the refresh token, end. Each runs in the caller's transaction.

use carshare_store::Tx;

use crate::domain::{EndReason, SessionId, TokenHash, User};
use crate::error::Error;
use crate::events;
use crate::issuer::{Issued, Signer};
use crate::store::{refresh_tokens, revocations, sessions};

/// Begins a session and issues its first pair of tokens.
pub async fn begin(tx: &Tx, signer: &Signer, user: &User) -> Result<Issued, Error> {
    let id = SessionId(tx.new_id());
    let issued = signer.issue(user, id, tx.now())?;
    sessions::insert(tx.conn(), id, user.id, tx.now(), issued.refresh_expires_at).await?;
    refresh_tokens::insert(tx.conn(), id, &issued, tx.now()).await?;
    Ok(issued)
}

/// Exchanges the refresh token `used` of a locked session for the next pair.
pub async fn rotate(
    tx: &Tx,
    signer: &Signer,
    user: &User,
    id: SessionId,
    used: TokenHash,
) -> Result<Issued, Error> {
    let issued = signer.issue(user, id, tx.now())?;
    refresh_tokens::mark_used(tx.conn(), used, tx.now()).await?;
    refresh_tokens::insert(tx.conn(), id, &issued, tx.now()).await?;
    sessions::extend(tx.conn(), id, issued.refresh_expires_at).await?;
    Ok(issued)
}

/// Ends a session and publishes `session.ended`: its refresh tokens become invalid, and its unexpired access tokens are
/// stored as revoked. One that has ended stays as it is.
pub async fn end(tx: &Tx, id: SessionId, reason: EndReason) -> Result<(), Error> {
    // The session first: its row lock keeps a concurrent rotation from adding a token that would not be revoked.
    if let Some(user) = sessions::end(tx.conn(), id, reason, tx.now()).await? {
        tx.publish(&events::session_ended(id, user));
    }
    revocations::insert_of_session(tx.conn(), id, tx.now()).await
}
