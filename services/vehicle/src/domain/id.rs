//! Typed ids: a booking's id cannot be given where a car's is asked for.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

ids! {
    /// A car.
    VehicleId
    /// An account, host or guest.
    UserId
    /// A booking, made by the booking service.
    BookingId
    /// A photo of a car.
    ImageId
    /// A rule of a car's opening hours.
    AvailabilityId
}
