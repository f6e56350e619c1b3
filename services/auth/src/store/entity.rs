//! sea-orm's picture of the tables, without logic.

pub mod refresh_token;
pub mod revocation;
pub mod session;
pub mod signing_key;
pub mod user;
