//! The kit against real servers and processes.
#![expect(clippy::unwrap_used, reason = "what helps a test may fail as the test does")]

mod databases;
mod processes;
mod proxies;
mod servers;
