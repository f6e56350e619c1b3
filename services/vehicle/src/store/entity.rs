//! The rows as sea-orm knows them, without logic. The calendar has no entity: its ranges are written in SQL.

pub mod availability;
pub mod vehicle;
pub mod vehicle_image;
