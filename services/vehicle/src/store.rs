//! All SQL of the service, a file per table. Functions take any connection: a transaction's, or one for reading.

pub mod availabilities;
pub mod occupancies;
pub mod released_bookings;
pub mod vehicle_images;
pub mod vehicles;
pub mod views;
