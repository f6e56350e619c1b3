//! All SQL of this service, one module a table. Functions take the connection they run on: a transaction, or the pool
//! for plain reads.

pub mod refresh_tokens;
pub mod revocations;
pub mod sessions;
pub mod signing_keys;
pub mod users;
