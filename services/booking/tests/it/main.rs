//! The booking service as it runs: the real server with all its layers, PostgreSQL and Redis, a clock that is moved by
//! hand. Its peers are scripted, over real gRPC.
#![expect(clippy::unwrap_used, reason = "what helps a test may fail as the test does")]

mod cancel;
mod car_lost;
mod create;
mod events;
mod faults;
mod harness;
mod lifecycle;
mod open_requests;
mod peers;
mod races;
mod reads;
mod sagas;
mod timers;
