//! Tables: one module per table with its entity and its SQL. Functions take an open transaction, or any connection where
//! they only read.

pub mod closed_bookings;
pub mod customers;
pub mod in_flight;
pub mod invariants;
pub mod ledger;
pub mod payment_attempts;
pub mod payment_methods;
pub mod payments;
pub mod queue;
pub mod refunds;
pub mod settlement_items;
pub mod settlements;
pub mod steps;
pub mod unresolved;
pub mod unsettled;
pub mod webhook_deliveries;
