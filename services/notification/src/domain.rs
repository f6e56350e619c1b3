//! Business rules: pure, synchronous, independent of database and clock.

pub mod device;
pub mod ids;
pub mod message;
pub mod time_format;
