//! The mechanics between a service and its PostgreSQL schema, and between the services' events. No business noun.
//!
//! | module | gives |
//! |---|---|
//! | [`Db`] | the pool; [`Db::transaction`], named, measured and retried; [`Db::read`] |
//! | [`Tx`] | what a transaction may do: statements, the time, ids, [`Tx::publish`], [`Tx::on_commit`] |
//! | [`Db::idempotent`] | a transaction whose reply is kept for repeats of the call |
//! | [`Error`] | what a caller can act on, by constraint name |
//! | [`migrate`] | the mechanisms' tables and the service's, under a lock |
//! | [`Relay`] | outbox → Redis Stream |
//! | [`Consumer`] | Redis Streams → inbox and effect, in one transaction |
//! | [`DeadLetters`] | events that were given up, and their way back; [`Command`] for the operator |
//! | [`Lease`], [`Notify`] | periodic work that one process does at a time |
//! | [`housekeeping`] | what removes expired rows |
#![deny(missing_docs)]

mod backoff;
mod cli;
pub mod config;
mod consumer;
mod db;
mod envelope;
mod error;
mod housekeeping;
mod idempotency;
mod job_queue;
mod lease;
mod metrics;
mod migrate;
mod outbox;
mod relay;
mod runner;
mod transaction;

pub use backoff::Backoff;
pub use cli::Command;
pub use consumer::{Consumer, DeadLetter, DeadLetters, EventHandler, EventMetadata};
pub use db::Db;
pub use error::{Error, Violation};
pub use housekeeping::housekeeping;
pub use idempotency::Claim;
pub use job_queue::{JobQueue, JobQueueOptions};
pub use lease::Lease;
pub use migrate::migrate;
pub use relay::Relay;
pub use runner::{Commands, Runner, StoreService};
pub use transaction::{Conn, Tx};
