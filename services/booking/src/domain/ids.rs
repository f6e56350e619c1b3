//! Typed ids, so that a guest's id is never taken for a booking's.

use carshare_chassis::typed_ids;

typed_ids! {
    BookingId
    VehicleId
    /// An account: a guest or a host.
    UserId
}
