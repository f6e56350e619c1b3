//! Typed ids.

use carshare_chassis::typed_ids;

typed_ids! {
    UserId
    /// A session, which is a family of refresh tokens (`sid` of its access tokens).
    SessionId
    /// An access token (`jti`).
    TokenId
}
