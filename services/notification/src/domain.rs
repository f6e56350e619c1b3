//! The rules of the service, free of transport and storage.

pub mod time_format;
pub mod message;
