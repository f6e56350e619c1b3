//! The auth service as its callers meet it: the real server with its layers, on real PostgreSQL and Redis.
#![expect(clippy::unwrap_used, reason = "what helps a test may fail as the test does")]

mod admin;
mod faults;
mod get_jwks;
mod get_me;
mod harness;
mod login;
mod logout;
mod refresh;
mod register;
mod secrets;
