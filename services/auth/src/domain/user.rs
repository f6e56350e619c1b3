//! An account.

use carshare_chassis::identity::Role;
use chrono::{DateTime, Utc};

use super::{Email, Phone, UserId};

/// An account, without its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub email: Email,
    pub name: String,
    pub phone: Phone,
    /// Its role, for life.
    pub role: Role,
    /// Picture, if there is one.
    pub profile_image_url: Option<String>,
    /// The address was confirmed.
    pub is_verified: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// What somebody gives to have an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    pub email: Email,
    pub name: String,
    pub phone: Phone,
    /// Its role, for life.
    pub role: Role,
}

impl NewUser {
    /// The account it becomes at the time `now`.
    pub fn register(&self, id: UserId, now: DateTime<Utc>) -> User {
        User {
            id,
            email: self.email.clone(),
            name: self.name.clone(),
            phone: self.phone.clone(),
            role: self.role,
            profile_image_url: None,
            is_verified: false,
            created_at: now,
        }
    }
}
