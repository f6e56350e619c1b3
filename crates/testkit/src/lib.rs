//! Test kit, for dev-dependencies only: a database per test, an empty Redis database, fault proxies, tokens, polling.
//!
//! | to get | use |
//! |---|---|
//! | a fresh migrated database | [`Database::create`] |
//! | an empty Redis database | [`redis_url`] |
//! | an empty S3 server | [`s3`] |
//! | a PostgreSQL or Redis server to kill and restart | [`PrivatePostgres`], [`PrivateRedis`] |
//! | the moment at which a condition becomes true | [`eventually`] |
//! | a connection that breaks, stalls or is slow | [`proxy::FaultProxy`] |
//! | the numbers of statements, round trips and commits | [`PostgresMeter`] |
//! | a built binary as a child process | [`process::Binary`] |
//! | a peer that answers by RPC path, auth's key set included | [`GrpcStub`] |
//! | certificates of services, access tokens of users | [`Ca`], [`Tokens`] |
#![deny(missing_docs)]

mod database;
mod eventually;
mod grpc_stub;
mod postgres_meter;
pub mod proxy;
mod shared;
mod tokens;

pub use carshare_devservers::{
    Ca, PrivatePostgres, PrivateRedis, S3, ServerOptions, TempDir, bootstrap, free_port, process,
};
pub use database::Database;
pub use eventually::{eventually, eventually_true, poll_until};
pub use grpc_stub::{GrpcStub, StubServer};
pub use postgres_meter::{Counts, Measured, PostgresMeter};
pub use shared::{postgres, redis, redis_url};
pub use tokens::Tokens;

/// Starts an empty S3 server in this process, for one test.
pub async fn s3() -> S3 {
    S3::temporary().await.expect("an S3 server starts")
}
