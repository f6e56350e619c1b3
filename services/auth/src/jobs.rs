//! What this service does by itself, now and then, on one replica at a time.

pub mod copy_revocations;
pub mod purge;
