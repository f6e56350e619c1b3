//! Concurrent calls: one legal outcome, and money moves once.

mod decisions;
mod idempotency;
mod payments;
mod sessions;
mod slots;
