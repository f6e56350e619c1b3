//! Typed ids.

use carshare_chassis::typed_ids;

typed_ids! {
    NotificationId
    /// A user, of the auth service.
    UserId
    DeviceId
}
