//! The vehicle service as it runs: the real server with all its layers, PostgreSQL, Redis and an S3 server, a map that
//! answers as Kakao does, a clock that is moved by hand. Its peers publish through their own outbox and relay.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it is"
)]

mod availability;
mod confirm_hold;
mod create;
mod events;
mod harness;
mod holds;
mod images;
mod jobs;
mod kakao;
mod lifecycle;
mod property;
mod search;
