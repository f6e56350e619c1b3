//! The rules of a booking: pure, synchronous, without a database, a network or a clock of its own.
//!
//! | module | holds |
//! |---|---|
//! | [`booking`] | a booking and every transition it can make |
//! | [`commands`] | commands, external events, states and reactions |
//! | [`period`] | the time a car is rented for |
//! | [`price`] | what it costs and who gets which part |
//! | [`policy`] | what a cancellation gives back |
//! | [`status`] | the words for where a booking and its money stand |
//! | [`ids`] | typed ids |

pub mod booking;
pub mod commands;
pub mod ids;
pub mod period;
pub mod policy;
pub mod price;
pub mod status;

pub use booking::{Booking, Cancellation, Request};
pub use commands::{Change, Event, ExternalEvent, Party, Refusal};
pub use ids::{BookingId, UserId, VehicleId};
pub use period::Period;
pub use policy::CancellationPolicy;
pub use price::Price;
pub use status::{CancellationReason, PaymentStatus, Status};
