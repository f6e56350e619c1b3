//! Typed ids.

use carshare_chassis::typed_ids;

typed_ids! {
    VehicleId
    /// A host or guest, of the auth service.
    UserId
    /// A booking, of the booking service.
    BookingId
    /// A photo of a car.
    ImageId
    /// A rule of a car's opening hours.
    AvailabilityId
}
