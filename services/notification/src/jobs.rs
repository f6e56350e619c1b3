//! Background jobs.

pub mod push_due;
