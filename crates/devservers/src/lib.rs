//! Servers for development and tests on a bare machine: private PostgreSQL, Redis and S3, a certificate authority and
//! child processes. No service is built with this crate; the `carshare` binary and the test kit are.
//!
//! | to get | use |
//! |---|---|
//! | a PostgreSQL or Redis server that can be killed and restarted | [`PrivatePostgres`], [`PrivateRedis`] |
//! | the database, the extensions and a role for each service | [`bootstrap`] |
//! | an S3 server in this process | [`S3`] |
//! | certificates for mutual TLS between services | [`Ca`] |
//! | a built binary as a child process | [`process::Binary`] |
//! | a folder that is removed with the process | [`TempDir`] |
//! | a folder that only its owner can enter | [`private_folder`] |
#![deny(missing_docs)]

pub mod bootstrap;
mod ca;
mod credentials;
mod options;
mod port;
mod postgres;
pub mod process;
mod programs;
mod redis;
mod s3;
mod server;
mod supervisor;
mod temp_dir;

pub use ca::{Ca, Certificate};
pub use credentials::private_folder;
pub use options::ServerOptions;
pub use port::free_port;
pub use postgres::PrivatePostgres;
pub use redis::PrivateRedis;
pub use s3::S3;
pub use temp_dir::TempDir;
