//! Object storage over the S3 protocol: presigned uploads by clients, conversion of uploaded photos, deletes and public URLs. The only crate that depends on the AWS SDK.
//!
//! Presigned URLs carry the machine's time, not the injected clock's, because the storage checks them by its own clock.

#![warn(missing_docs)]

mod config;
mod connect;
mod error;
pub mod image;
pub mod photo;
mod presign;
mod store;

pub use config::{Config, PhotoConfig};
pub use error::Error;
pub use presign::PresignedPut;
pub use store::{Head, Objects};
