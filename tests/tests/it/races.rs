//! Many at once: one legal outcome, and the money moves once.

mod decisions;
mod idempotency;
mod payments;
mod sessions;
mod slots;
