//! Typed ids.

use carshare_chassis::typed_ids;

typed_ids! {
    NotificationId
    /// A user, of the auth service.
    UserId
    DeviceId
    /// A session of a user, of the auth service.
    SessionId
}
