//! The rules of the service, free of transport and storage.

pub mod message;
pub mod time_format;
