//! The mechanisms against real PostgreSQL and Redis, with their servers killed where that is the point.
#![expect(clippy::unwrap_used, reason = "what helps a test may fail as the test does")]

mod bench;
mod chaos;
mod consumers;
mod events;
mod faults;
mod housekeeping;
mod idempotency;
mod leases;
mod migrations;
mod transactions;
