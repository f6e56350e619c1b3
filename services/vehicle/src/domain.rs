//! The rules of the vehicle service: pure and synchronous, without database, network or clock.

mod address;
mod ids;
mod image_order;
mod interval_set;
mod license_plate;
mod location;
mod opening_hours;
mod period;
mod pricing;
mod search;
mod time_of_day;
mod vehicle;

pub use address::searchable;
pub use ids::{AvailabilityId, BookingId, ImageId, UserId, VehicleId};
pub use image_order::moved_to_front;
pub use license_plate::{InvalidPlate, LicensePlate, PlateClass};
pub use location::{Coordinates, Distance, Location};
pub use opening_hours::{Day, Effect, OpeningHours, Rule};
pub use period::{EmptyPeriod, Period};
pub use pricing::{DatedRate, InvalidPricing, LongRentalDiscount, Pricing};
pub use search::{Query, SearchFilter, SearchOrder};
pub use time_of_day::{InvalidTimeOfDay, TimeOfDay};
pub(crate) use vehicle::unless_empty;
pub use vehicle::{Change, Changed, Fuel, NoImage, Status, Transmission, Vehicle};
