//! User journeys from end to end.

mod account;
mod booking;
mod devices;
mod email;
mod registration;
