//! The real binaries as processes of their own, killed at every step of the booking journey, one and several at a time.

mod drain;
mod journey;
mod matrix;
