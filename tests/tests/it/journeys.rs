//! User journeys from end to end.

mod booking;
mod devices;
mod registration;
