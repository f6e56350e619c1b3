//! The client against a real HTTP server and a clock moved by hand.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it is"
)]

mod breaker;
mod fixture;
mod limits;
mod requests;
mod retries;
mod secrets;
