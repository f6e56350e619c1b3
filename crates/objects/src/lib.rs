//! Object storage over the S3 protocol: uploads that clients make themselves by a presigned URL, checks of what they
//! uploaded, deletes, public addresses. The one crate that knows the AWS SDK.
//!
//! Presigned URLs carry the machine's time, not the injected clock's: the storage compares them with its own clock.

#![warn(missing_docs)]

mod config;
mod connect;
mod error;
mod presign;
mod store;

pub use config::Config;
pub use error::Error;
pub use presign::PresignedPut;
pub use store::{Head, Objects};
