//! Development only: private PostgreSQL, Redis and S3 servers, a database per test, certificates and tokens, fault
//! proxies and real processes. Nothing here is linked into a service; the `carshare` binary uses it to run the whole
//! mesh on a bare machine.
//!
//! | for | use |
//! |---|---|
//! | a fresh migrated database in a test | [`Database::create`] |
//! | a fresh Redis database in a test | [`redis_url`] |
//! | a server of your own, to kill and restart | [`PrivatePostgres`], [`PrivateRedis`] |
//! | waiting for something that will happen | [`eventually`] |
//! | a network that breaks on command | [`proxy::FaultProxy`] |
//! | a built binary that can be killed | [`process::Binary`] |
//! | identities | [`Ca`] for services, [`Tokens`] for users, [`JwksServer`] for those who verify them |
//! | an S3 server | [`s3`] |
#![deny(missing_docs)]

pub mod bootstrap;
mod ca;
mod database;
mod eventually;
mod jwks_server;
pub mod process;
pub mod proxy;
mod s3_server;
mod servers;
mod shared;
mod tokens;

pub use ca::{Ca, Certificate};
pub use database::Database;
pub use eventually::{eventually, eventually_true};
pub use jwks_server::JwksServer;
pub use s3_server::{S3, s3};
pub use servers::{Options, PrivatePostgres, PrivateRedis, TempDir, free_port};
pub use shared::{postgres, redis, redis_url};
pub use tokens::Tokens;
