//! Typed ids: a booking's id cannot be given where a car's is asked for.

use carshare_chassis::typed_ids;

typed_ids! {
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
