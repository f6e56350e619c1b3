//! The development servers as real processes.
#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

mod bootstrap;
mod processes;
mod servers;
