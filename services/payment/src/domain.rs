//! What is true about money, whatever the database, the wire or the clock: pure and synchronous.

pub mod attempt;
pub mod backoff;
pub mod finding;
pub mod ids;
pub mod ledger;
pub mod money;
pub mod payment;
pub mod refund;
pub mod webhook;
