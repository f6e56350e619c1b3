//! The rules of the service, free of transport and storage.

pub mod clock_text;
pub mod message;
