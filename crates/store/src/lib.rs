//! PostgreSQL and events of a service: pool, transactions, outbox, consumers, idempotency, jobs. No business noun.
//!
//! | item | purpose |
//! |---|---|
//! | [`Runner`], [`StoreService`] | runs a service with everything below |
//! | [`Db`] | [`Db::transaction`]: named, measured, retried; [`Db::conn`]: the [`Pool`], for single statements |
//! | [`Tx`] | an open transaction: statements, time, ids, [`Tx::publish`], [`Tx::notify_job`] |
//! | [`Db::idempotent`] | a transaction whose reply is stored for repeats of the call |
//! | [`Error`] | database errors by what a caller can do about them |
//! | [`migrate`] | applies the messaging tables and the service's own, under a lock |
//! | [`Relay`] | outbox → log position and Redis Stream |
//! | [`Consumer`] | events of other services → effect and cursor in one transaction |
//! | [`FiledEvent`], [`Command`] | events that hold back their key, and the operator's commands for them |
//! | [`Backlog`] | what waits for a relay or a job, as gauges |
//! | [`reseal`] | encrypts sealed values again after a change of the key |
//! | [`Schedule`] | periodic jobs, each run claimed by one process |
//! | [`JobQueue`] | rows that wait for an outside system, claimed by workers of all replicas |
//! | [`housekeeping`] | deletes expired rows |
//! | [`restore`] | repairs consumers after the database of a publisher was restored |
#![deny(missing_docs)]

mod backlog;
mod cli;
mod clock_sync;
pub mod config;
mod connector;
mod consumer;
mod db;
mod envelope;
mod error;
mod event_log;
mod housekeeping;
mod idempotency;
mod job_queue;
mod metrics;
mod migrate;
mod outbox;
mod pool;
mod relay;
mod reseal;
pub mod restore;
mod runner;
mod schedule;
mod start_check;
mod transaction;

pub use backlog::{Backlog, DueJob};
pub use cli::Command;
pub use consumer::{Consumer, EventHandler, EventMetadata, FiledEvent};
pub use db::Db;
pub use error::{Error, Violation};
pub use housekeeping::housekeeping;
pub use job_queue::{ClaimedRow, JobQueue, JobQueueOptions};
pub use migrate::migrate;
pub use pool::Pool;
pub use relay::Relay;
pub use reseal::{SealedColumn, reseal};
pub use runner::{Commands, EventTransport, Runner, StoreService};
pub use schedule::Schedule;
pub use transaction::{Conn, Tx};
