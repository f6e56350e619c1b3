//! Publishes auth's events. This service consumes none.

use carshare_proto::auth::v1 as pb;

use crate::domain::User;
use crate::rpc::convert;

/// `user.registered`: others keep a copy of the profile. It holds neither address nor phone number.
pub fn registered(user: &User) -> pb::UserRegistered {
    pb::UserRegistered {
        user_id: user.id.to_string(),
        profile: Some(convert::profile(user)),
    }
}
