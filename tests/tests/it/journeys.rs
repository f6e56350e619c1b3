//! User journeys from end to end.

mod account;
mod account_deletion;
mod booking;
mod changes;
mod claims;
mod coupons;
mod devices;
mod email;
mod handover;
mod quotes;
mod registration;
mod reviews;
mod settlements;
