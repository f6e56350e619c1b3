//! When a stream ends although neither side wants it to: the gateway drains, or the token it was opened with has ended. The
//! client comes back, to another gateway or with a new token, and goes on at its cursor.

use carshare_chassis::identity::Caller;
use carshare_chassis::{Clock, Error, Shutdown};
use carshare_proto::common::v1::ErrorReason as Common;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::error::UNAVAILABLE_RETRY_AFTER;

/// Resolves when the stream has to end, with the reason to give.
pub type Ending = BoxFuture<'static, Error>;

/// The ending of a stream that `caller` opened.
pub fn of(caller: &Caller, clock: &Clock, draining: &Shutdown) -> Ending {
    let expires_at = caller.user().ok().map(|user| user.expires_at);
    let (clock, draining) = (clock.clone(), draining.clone());
    async move {
        let expired = async {
            match expires_at {
                Some(instant) => clock.sleep_until(instant).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = draining.cancelled() => Error::unavailable("the gateway is draining", UNAVAILABLE_RETRY_AFTER),
            () = expired => Error::new(Common::TokenExpired),
        }
    }
    .boxed()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use carshare_chassis::identity::{Role, UserCaller};

    use super::*;

    const START: &str = "2026-11-22T12:00:00Z";

    fn user() -> Caller {
        let id = "5b0e0000-0000-7000-8000-000000000001".parse().unwrap();
        let expires_at = "2026-11-22T12:15:00Z".parse().unwrap();
        Caller::User(UserCaller {
            id,
            role: Role::Host,
            token_id: id,
            session_id: id,
            expires_at,
        })
    }

    #[tokio::test]
    async fn a_stream_does_not_outlive_its_token() {
        let (clock, hand) = Clock::manual(START.parse().unwrap());
        let mut ending = of(&user(), &clock, &Shutdown::new());
        hand.advance(Duration::from_secs(899));
        assert!((&mut ending).now_or_never().is_none());
        hand.advance(Duration::from_secs(1));
        assert!(ending.await.is(Common::TokenExpired));
    }

    #[tokio::test]
    async fn an_anonymous_stream_ends_only_with_the_gateway() {
        let (clock, hand) = Clock::manual(START.parse().unwrap());
        let draining = Shutdown::new();
        let mut ending = of(&Caller::Anonymous, &clock, &draining);
        hand.advance(Duration::from_hours(24));
        assert!((&mut ending).now_or_never().is_none());
        draining.trigger();
        assert!(ending.await.is(Common::Unavailable));
    }
}
