//! The test kit on real servers.
#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

mod databases;
mod postgres_meters;
mod proxies;
