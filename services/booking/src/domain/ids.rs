//! Typed ids.

use carshare_chassis::typed_ids;

typed_ids! {
    BookingId
    /// A car, of the vehicle service.
    VehicleId
    ReviewId
    /// A change of a booking. Also that of its charge and of its hold.
    ChangeId
    /// A claim after a rental. Also that of its charge.
    ClaimId
    /// Place of a coupon among those of the same time. Its code names it.
    CouponId
    /// A guest or host, of the auth service.
    UserId
    /// A photo of a pickup or return.
    PhotoId
}
