//! Rows as sea-orm sees them. No logic.

pub mod customers;
pub mod payment_attempts;
pub mod payment_methods;
pub mod payments;
pub mod refunds;
