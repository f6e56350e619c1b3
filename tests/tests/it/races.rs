//! Concurrent calls: one legal outcome, and money moves once.

mod changes;
mod decisions;
mod idempotency;
mod payments;
mod sessions;
mod slots;
