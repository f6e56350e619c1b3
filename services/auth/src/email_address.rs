//! Who an e-mail address belongs to: the account that has verified it or, until one has, the first that was registered with it.

use carshare_store::Tx;

use crate::domain::{Email, User, UserId};
use crate::error::Error;
use crate::events;
use crate::store::users;

/// Locks an account and, before it, its address, until the transaction ends.
pub async fn lock(tx: &Tx, id: UserId) -> Result<Option<User>, Error> {
    let Some(user) = users::find(tx.conn(), id).await? else {
        return Ok(None);
    };
    users::lock_email(tx.conn(), &user.email).await?;
    users::lock(tx.conn(), id).await
}

/// Verifies the address of an account, which is locked, and publishes `user.updated`: it then belongs to this account, and one that held it unverified is
/// provisional. [`Error::EmailTaken`] when another account has verified it.
pub async fn verify(tx: &Tx, user: User) -> Result<User, Error> {
    take(tx, &user.email, Some(user.id)).await?;
    users::set_verified(tx, user.id).await?;
    let verified = User {
        is_verified: true,
        ..user
    };
    tx.publish(&events::updated(&verified));
    Ok(verified)
}

/// Takes an address from an unverified account other than `by`, so that another can hold it. [`Error::EmailTaken`] when that account
/// has verified it.
pub async fn take(tx: &Tx, email: &Email, by: Option<UserId>) -> Result<(), Error> {
    users::lock_email(tx.conn(), email).await?;
    match users::find_by_email(tx.conn(), email).await? {
        Some((holder, _)) if Some(holder.id) == by => Ok(()),
        Some((holder, _)) if holder.is_verified => Err(Error::EmailTaken),
        Some((holder, _)) => users::make_provisional(tx, holder.id).await,
        None => Ok(()),
    }
}
