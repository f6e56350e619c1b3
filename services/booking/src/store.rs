//! All SQL of the service, one module per table.

pub mod booking_changes;
pub mod booking_claims;
pub mod bookings;
pub mod cancellation_policies;
pub mod coupon_redemptions;
pub mod coupons;
pub mod handover_entries;
pub mod handover_photos;
pub mod review_moderations;
pub mod reviews;
pub mod status_history;
pub mod user_closings;
pub mod user_erasures;
