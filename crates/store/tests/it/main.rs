//! Integration tests against real PostgreSQL and Redis, including servers that crash.
#![expect(clippy::unwrap_used, reason = "harness code may panic like a test")]

mod chaos;
mod consumers;
mod events;
mod faults;
mod harness;
mod housekeeping;
mod idempotency;
mod job_queue;
mod leases;
mod migrations;
mod transactions;
