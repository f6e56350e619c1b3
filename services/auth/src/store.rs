//! Tables: one module per table with its entity and its SQL. Functions take the connection they run on: a transaction, or
//! the pool for reads.

pub mod audit_events;
pub mod deletions;
pub mod disabled_users;
pub mod login_attempts;
pub mod mails;
pub mod password_salts;
pub mod profile_images;
pub mod recovery_codes;
pub mod refresh_tokens;
pub mod revocations;
pub mod sessions;
pub mod sign_ins;
pub mod signing_keys;
pub mod totp_credentials;
pub mod user_reviews;
pub mod users;
