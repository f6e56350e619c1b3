//! Ends streams when the gateway drains or the token that opened them expires. The client opens a new one, at another replica or
//! with a new token, and resumes at its cursor.

use carshare_chassis::identity::Caller;
use carshare_chassis::{Clock, Error, Shutdown};
use carshare_proto::common::v1::ErrorReason as Common;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::problem::DEFAULT_RETRY_AFTER;

/// Resolves with the error of the stream when it has to end.
pub type StreamEnd = BoxFuture<'static, Error>;

/// Returns the end of a stream that `caller` opened.
pub fn of(caller: &Caller, clock: &Clock, draining: &Shutdown) -> StreamEnd {
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
            () = draining.cancelled() => Error::unavailable("the gateway is draining", DEFAULT_RETRY_AFTER),
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
    async fn stream_ends_with_its_token() {
        let (clock, control) = Clock::manual(START.parse().unwrap());
        let mut end = of(&user(), &clock, &Shutdown::new());
        control.advance(Duration::from_secs(899));
        assert!((&mut end).now_or_never().is_none());
        control.advance(Duration::from_secs(1));
        assert!(end.await.is(Common::TokenExpired));
    }

    #[tokio::test]
    async fn anonymous_stream_ends_only_on_drain() {
        let (clock, control) = Clock::manual(START.parse().unwrap());
        let draining = Shutdown::new();
        let mut end = of(&Caller::Anonymous, &clock, &draining);
        control.advance(Duration::from_hours(24));
        assert!((&mut end).now_or_never().is_none());
        draining.trigger();
        assert!(end.await.is(Common::Unavailable));
    }
}
