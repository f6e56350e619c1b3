//! Salts of passwords, one for each e-mail address.
//!
//! All accounts of an address have the same salt, so that one hash is compared with those of all of them: nobody can keep an account from
//! signing in by registering others with its address, and the work does not tell how many there are. What salts are for stays: the hashes of
//! different addresses have nothing in common, and they cannot be computed ahead without the key, a row of the database.

use std::sync::Arc;

use aws_lc_rs::hmac;
use carshare_store::Db;
use tokio::sync::OnceCell;

use crate::domain::Email;
use crate::error::Error;
use crate::store::password_salts;

/// Salt of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Salt(pub [u8; 16]);

/// Derives salts. Cheap to clone.
#[derive(Clone)]
pub struct Salts {
    db: Db,
    /// Read once by a process.
    key: Arc<OnceCell<hmac::Key>>,
}

impl Salts {
    pub fn new(db: Db) -> Self {
        Self {
            db,
            key: Arc::default(),
        }
    }

    /// Returns the salt of the passwords of an address.
    pub async fn of(&self, email: &Email) -> Result<Salt, Error> {
        let key = self.key.get_or_try_init(|| self.read()).await?;
        let mut salt = [0; 16];
        salt.copy_from_slice(&hmac::sign(key, email.as_str().as_bytes()).as_ref()[..16]);
        Ok(Salt(salt))
    }

    async fn read(&self) -> Result<hmac::Key, Error> {
        let key = password_salts::find_key(self.db.conn()).await?;
        Ok(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }
}
