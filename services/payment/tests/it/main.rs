//! The payment service as it runs: the real server and workers with all their layers, PostgreSQL, Redis, and Toss as a
//! server over real HTTP; a clock that is moved by hand, and processes that die.
#![expect(clippy::unwrap_used, reason = "what helps a test may fail as the test does")]

mod bench;
mod booking;
mod cards;
mod charges;
mod closings;
mod crashes;
mod instance;
mod ledger;
mod logs;
mod reads;
mod refunds;
mod secrecy;
mod simulation;
mod staged;
mod tables;
mod toss;
mod webhooks;
mod window;
