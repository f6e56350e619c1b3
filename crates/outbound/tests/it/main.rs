//! The client against a real HTTP server, with a manual clock.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

mod breaker;
mod fixture;
mod limits;
mod requests;
mod retries;
mod secrets;
