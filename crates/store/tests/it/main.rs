//! The mechanisms against real PostgreSQL and Redis, with their servers killed where that is the point.
#![expect(clippy::unwrap_used, reason = "what helps a test may fail as the test does")]

mod chaos;
mod consumers;
mod events;
mod faults;
mod harness;
mod housekeeping;
mod idempotency;
mod leases;
mod migrations;
mod transactions;
