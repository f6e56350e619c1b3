//! Work that nobody waits for.

pub mod push_due;
