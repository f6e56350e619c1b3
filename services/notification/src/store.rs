//! Tables: one module per table with its entity and its SQL. Functions take an open transaction, or any connection where
//! they only read.

pub mod deliveries;
pub mod devices;
pub mod ended_sessions;
pub mod feeds;
pub mod notifications;
