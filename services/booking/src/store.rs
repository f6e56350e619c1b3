//! The tables, one module each. All SQL of the service is here.

pub mod bookings;
pub mod status_history;
