//! Work that the clock asks for. Each job is done by one process at a time.

pub mod sweep_holds;
pub mod sweep_uploads;
