//! PostgreSQL and events of a service: pool, transactions, outbox, consumers, idempotency, jobs. No business noun.
//!
//! | item | purpose |
//! |---|---|
//! | [`Runner`], [`StoreService`] | runs a service with everything below |
//! | [`Db`] | the pool; [`Db::transaction`]: named, measured, retried |
//! | [`Tx`] | an open transaction: statements, time, ids, [`Tx::publish`], [`Tx::notify_job`] |
//! | [`Db::idempotent`] | a transaction whose reply is stored for repeats of the call |
//! | [`Error`] | database errors by what a caller can do about them |
//! | [`migrate`] | applies the messaging tables and the service's own, under a lock |
//! | [`Relay`] | outbox → Redis Stream |
//! | [`Consumer`] | Redis Streams → inbox and effect in one transaction |
//! | [`DeadLetters`], [`Command`] | events that exhausted their attempts, and the operator's commands for them |
//! | [`Lease`] | periodic jobs, one process at a time |
//! | [`JobQueue`] | rows that wait for an outside system, claimed by workers of all replicas |
//! | [`housekeeping`] | deletes expired rows |
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
pub use job_queue::{ClaimedRow, JobQueue, JobQueueOptions};
pub use lease::Lease;
pub use migrate::migrate;
pub use relay::Relay;
pub use runner::{Commands, Runner, StoreService};
pub use transaction::{Conn, Tx};
