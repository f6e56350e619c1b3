//! What people do, from end to end.

mod booking;
mod registration;
