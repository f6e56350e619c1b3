//! Integration tests against real PostgreSQL and Redis, including servers that crash.
#![expect(clippy::unwrap_used, reason = "harness code may panic like a test")]

mod cancellation;
mod chaos;
mod consumers;
mod dead_letters;
mod event_log;
mod event_statements;
mod events;
mod faults;
mod harness;
mod housekeeping;
mod idempotency;
mod job_queue;
mod metered;
mod migrations;
mod password;
mod pool;
mod reseal;
mod schedules;
mod transactions;
