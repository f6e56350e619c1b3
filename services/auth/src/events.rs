//! Published and consumed events.

mod on_review;

use carshare_proto::auth::v1 as pb;
use carshare_store::Consumer;

use crate::domain::{SessionId, User, UserId};
use crate::rpc::convert;

/// Registers the handlers of events of booking.
pub fn subscribe(consumer: Consumer) -> Consumer {
    consumer
        .on("booking", on_review::posted)
        .on("booking", on_review::hidden)
        .on("booking", on_review::restored)
}

/// Builds `user.updated` with the public profile.
pub fn updated(user: &User) -> pb::UserUpdated {
    pb::UserUpdated {
        user_id: user.id.to_string(),
        profile: Some(convert::profile(user)),
    }
}

/// Builds `session.ended`.
pub fn session_ended(session: SessionId, user: UserId) -> pb::SessionEnded {
    pb::SessionEnded {
        session_id: session.to_string(),
        user_id: user.to_string(),
    }
}

/// Builds `user.registered` with the public profile, which other services copy: no e-mail address, no phone number.
pub fn registered(user: &User) -> pb::UserRegistered {
    pb::UserRegistered {
        user_id: user.id.to_string(),
        profile: Some(convert::profile(user)),
    }
}
