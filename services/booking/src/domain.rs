//! The rules of a booking: pure and synchronous, without database, network or clock.
//!
//! | module | contents |
//! |---|---|
//! | [`booking`] | a booking, and what its transitions write |
//! | [`transitions`] | the tables of all transitions |
//! | [`change`] | a transition that was made, and its event |
//! | [`booking_change`] | a change of the terms that both sides agree on |
//! | [`claim`] | a claim of the host after a rental |
//! | [`coupon`] | codes that lower the price of bookings |
//! | [`period`] | the time of a rental |
//! | [`price`] | lines, total, platform fee and host share |
//! | [`policy`] | refund of a cancellation |
//! | [`review`] | a review of a booking, and who sees it when |
//! | [`quote`] | terms that were quoted before the booking |
//! | [`status`] | status of a booking and of its payment |
//! | [`handover`] | evidence of pickup and return |
//! | [`ids`] | typed ids |

pub mod booking;
pub mod booking_change;
pub mod change;
pub mod claim;
pub mod coupon;
pub mod handover;
pub mod ids;
pub mod period;
pub mod policy;
pub mod price;
pub mod quote;
pub mod review;
pub mod status;
pub mod transitions;

pub use booking::{Booking, Cancellation, NewBooking};
pub use booking_change::{BookingChange, ChangeRefusal};
pub use change::{Actor, Change, Event};
pub use claim::{Claim, ClaimRefusal};
pub use coupon::{Coupon, CouponRefusal};
pub use ids::{BookingId, ChangeId, ClaimId, CouponId, PhotoId, ReviewId, UserId, VehicleId};
pub use period::Period;
pub use policy::{CancellationPolicy, Steps};
pub use price::Price;
pub use quote::Quote;
pub use review::{Review, ReviewRefusal};
pub use status::{CancellationReason, PaymentStatus, Status};
pub use transitions::{ExternalEvent, Party, Refusal};
