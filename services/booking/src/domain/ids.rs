//! Typed ids.

use carshare_chassis::typed_ids;

typed_ids! {
    BookingId
    /// A car, of the vehicle service.
    VehicleId
    ReviewId
    /// A guest or host, of the auth service.
    UserId
    /// A photo of a pickup or return.
    PhotoId
}
