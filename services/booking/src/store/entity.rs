//! sea-orm's picture of the tables, without logic.

pub mod booking;
pub mod status_change;
