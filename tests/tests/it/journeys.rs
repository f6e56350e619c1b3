//! User journeys from end to end.

mod account;
mod account_deletion;
mod booking;
mod devices;
mod email;
mod quotes;
mod registration;
