//! Servers and clients on loopback: all layers around a handler and around a call.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its harness too")]

mod authorization;
mod certificate_rotation;
mod deadlines;
mod drain;
mod errors;
mod fake;
mod goaway;
mod harness;
mod infrastructure;
mod local;
mod logs;
mod malformed;
mod peer_identity;
mod peers;
mod traces;
