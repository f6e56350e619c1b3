//! All SQL of the service, a module a table. Functions take an open transaction, or any connection when they only read.

pub mod attempts;
pub mod closures;
pub mod customers;
mod entity;
pub mod invariants;
pub mod ledger;
pub mod methods;
pub mod payments;
pub mod refunds;
pub mod unknown;
pub mod webhooks;
