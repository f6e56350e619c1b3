//! Business rules of payments: pure, synchronous, independent of database, wire format and clock.

pub mod attempt;
pub mod backoff;
pub mod ids;
pub mod ledger;
pub mod money;
pub mod payment;
pub mod provider_report;
pub mod refund;
pub mod settlement;
pub mod webhook;
