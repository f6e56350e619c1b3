//! The life of a session in the database: it begins, goes on from token to token, and ends. Each step is part of a
//! transaction of the caller.

use carshare_store::Tx;

use crate::domain::{EndReason, SessionId, TokenHash, User};
use crate::error::Error;
use crate::issuer::{Issued, Signer};
use crate::store::{refresh_tokens, revocations, sessions};

/// Signs the user in: a new session with its first pair of tokens.
pub async fn begin(tx: &Tx, signer: &Signer, user: &User) -> Result<Issued, Error> {
    let id = SessionId(tx.new_id());
    let issued = signer.issue(user, id, tx.now())?;
    sessions::insert(tx.conn(), id, user.id, tx.now(), issued.refresh_expires_at).await?;
    refresh_tokens::insert(tx.conn(), id, &issued, tx.now()).await?;
    Ok(issued)
}

/// Trades a token of a locked session for the next pair.
pub async fn advance(
    tx: &Tx,
    signer: &Signer,
    user: &User,
    id: SessionId,
    traded: TokenHash,
) -> Result<Issued, Error> {
    let issued = signer.issue(user, id, tx.now())?;
    refresh_tokens::mark_used(tx.conn(), traded, tx.now()).await?;
    refresh_tokens::insert(tx.conn(), id, &issued, tx.now()).await?;
    sessions::extend(tx.conn(), id, issued.refresh_expires_at).await?;
    Ok(issued)
}

/// Ends a session: none of its refresh tokens works any more, and its access tokens are noted as revoked.
pub async fn end(tx: &Tx, id: SessionId, reason: EndReason) -> Result<(), Error> {
    // The session first: no token can be added to an ended session.
    sessions::end(tx.conn(), id, reason, tx.now()).await?;
    revocations::insert_of_session(tx.conn(), id, tx.now()).await
}
