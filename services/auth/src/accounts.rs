//! Making an account, for whoever registers and for the operator who makes an admin.

use carshare_store::Tx;

use crate::domain::{NewUser, PasswordHash, User, UserId};
use crate::error::Error;
use crate::events;
use crate::store::users;

/// Stores the account and announces it; [`Error::EmailTaken`] when there is one with its address.
pub async fn add(tx: &Tx, new: &NewUser, hash: &PasswordHash) -> Result<User, Error> {
    let user = new.register(UserId(tx.new_id()), tx.now());
    users::insert(tx.conn(), &user, hash).await?;
    tx.publish(&events::registered(&user)).await?;
    Ok(user)
}
