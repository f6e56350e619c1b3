//! All SQL of the service, a module a table.

pub mod deliveries;
pub mod devices;
pub mod notifications;
