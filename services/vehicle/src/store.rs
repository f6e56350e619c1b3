//! All SQL of the service, one module per table.

pub mod availabilities;
pub mod closed_hosts;
mod columns;
pub mod occupancies;
pub mod released_bookings;
pub mod reviews;
pub mod vehicle_images;
pub mod vehicles;
pub mod views;
