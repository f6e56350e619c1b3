//! Accounts.

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
    /// Never changes.
    pub role: Role,
    pub profile_image_url: Option<String>,
    /// Whether the e-mail address was confirmed.
    pub is_verified: bool,
    /// Whether a sign-in needs a code of an authenticator app.
    pub mfa_enabled: bool,
    /// Stars in the reviews about the user that are shown.
    pub rating_sum: i64,
    /// Number of these reviews.
    pub review_count: i64,
    pub created_at: DateTime<Utc>,
}

impl User {
    /// Returns the role of the account's access tokens: admins have no right before they have a second factor.
    pub fn token_role(&self) -> Role {
        match self.role {
            Role::Admin if !self.mfa_enabled => Role::Unenrolled,
            role => role,
        }
    }
}

/// The data of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    pub email: Email,
    pub name: String,
    pub phone: Phone,
    pub role: Role,
    pub is_verified: bool,
}

impl NewUser {
    /// Creates the account.
    pub fn register(&self, id: UserId, now: DateTime<Utc>) -> User {
        User {
            id,
            email: self.email.clone(),
            name: self.name.clone(),
            phone: self.phone.clone(),
            role: self.role,
            profile_image_url: None,
            is_verified: self.is_verified,
            mfa_enabled: false,
            rating_sum: 0,
            review_count: 0,
            created_at: now,
        }
    }
}
