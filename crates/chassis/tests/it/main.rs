//! Real servers and real clients on loopback: everything the stack does around a handler.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its harness too")]

mod access;
mod deadlines;
mod drain;
mod errors;
mod fake;
mod infrastructure;
mod logs;
mod peers;
mod running;
mod traces;
