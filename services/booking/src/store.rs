//! All SQL of the service, one module per table.

pub mod bookings;
pub mod cancellation_policies;
pub mod status_history;
pub mod user_closings;
pub mod user_erasures;
