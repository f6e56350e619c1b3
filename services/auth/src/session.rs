//! Steps of a session in the database: begin, rotate the refresh token, end. Each runs in the caller's transaction.

use carshare_store::Tx;

use crate::audit::{self, Action, Entry, Origin};
use crate::domain::{EndReason, SessionId, TokenHash, User, UserId};
use crate::error::Error;
use crate::events;
use crate::issuer::{Issued, Signer};
use crate::store::{disabled_users, refresh_tokens, revocations, sessions};

/// Begins a session and issues its first pair of tokens. [`Error::AccountDisabled`] when an admin has disabled the account, which then
/// stays so until the transaction ends.
pub async fn begin(tx: &Tx, signer: &Signer, user: &User, origin: &Origin) -> Result<Issued, Error> {
    if disabled_users::lock(tx.conn(), user.id).await?.is_some() {
        return Err(Error::AccountDisabled);
    }
    let id = SessionId(tx.new_id());
    let issued = signer.issue(user, id, tx.now(), tx.now())?;
    sessions::insert(tx, id, user.id, issued.refresh_expires_at, origin).await?;
    refresh_tokens::insert(tx.conn(), id, &issued, tx.now()).await?;
    Ok(issued)
}

/// Exchanges the refresh token `used` of a locked session for the next pair.
pub async fn rotate(
    tx: &Tx,
    signer: &Signer,
    user: &User,
    session: &sessions::Locked,
    used: TokenHash,
    origin: &Origin,
) -> Result<Issued, Error> {
    let issued = signer.issue(user, session.id, session.created_at, tx.now())?;
    refresh_tokens::mark_used(tx.conn(), used, tx.now()).await?;
    refresh_tokens::insert(tx.conn(), session.id, &issued, tx.now()).await?;
    sessions::extend(tx, session.id, issued.refresh_expires_at, origin).await?;
    Ok(issued)
}

/// Ends a session, publishes `session.ended` and records it: its refresh tokens become invalid, and its unexpired access tokens are
/// stored as revoked. One that has ended stays as it is.
pub async fn end(tx: &Tx, id: SessionId, reason: EndReason, origin: &Origin) -> Result<(), Error> {
    // The session first: its row lock keeps a concurrent rotation from adding a token that would not be revoked.
    if let Some(user) = sessions::end(tx.conn(), id, reason, tx.now()).await? {
        tx.publish(&events::session_ended(id, user));
        let entry = Entry::success(Action::SessionEnd).because(reason.as_str());
        audit::record(tx, origin, &entry.user(user).session(id)).await?;
    }
    revocations::insert_of_session(tx.conn(), id, tx.now()).await
}

/// Ends the live sessions of a user, but not `kept`, and returns their number.
pub async fn end_all(
    tx: &Tx,
    user: UserId,
    kept: Option<SessionId>,
    reason: EndReason,
    origin: &Origin,
) -> Result<usize, Error> {
    let live = sessions::list_live(tx.conn(), user, tx.now()).await?;
    let ended: Vec<_> = live.into_iter().filter(|id| Some(*id) != kept).collect();
    for id in &ended {
        end(tx, *id, reason, origin).await?;
    }
    Ok(ended.len())
}
