//! The rules of the vehicle service, pure and synchronous: no gRPC, no SQL, no clock of its own.

mod address;
mod id;
mod image;
mod opening;
mod period;
mod place;
mod plate;
mod search;
mod spans;
mod time_of_day;
mod vehicle;

pub use address::searchable;
pub use id::{AvailabilityId, BookingId, ImageId, UserId, VehicleId};
pub use image::{Announced, ImageFault, PREFIX_BYTES, Pixels, check};
pub use opening::{Day, Effect, Opening, Rule};
pub use period::{EmptyPeriod, Period};
pub use place::{Coordinates, Distance, Place};
pub use plate::{InvalidPlate, Plate, PlateClass};
pub use search::{Cursor, Query};
pub use time_of_day::{InvalidTimeOfDay, TimeOfDay};
pub(crate) use vehicle::unless_empty;
pub use vehicle::{Change, Fuel, NoImage, Status, Transmission, Vehicle};
