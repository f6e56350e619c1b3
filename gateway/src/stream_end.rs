//! Ends streams when the gateway drains or the token that opened them expires or is revoked, and those without a token after a while. The client opens a
//! new one, at another replica or with a new token, and resumes at its cursor.

use carshare_chassis::identity::{Caller, Verifier};
use carshare_chassis::{Clock, Error, Shutdown};
use carshare_proto::common::v1::ErrorReason as Common;
use chrono::TimeDelta;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::problem::DEFAULT_RETRY_AFTER;

/// Time after which a stream without a token ends, so that nobody holds its place indefinitely.
const ANONYMOUS_TTL: TimeDelta = TimeDelta::minutes(5);

/// Resolves with the error of the stream when it has to end.
pub type StreamEnd = BoxFuture<'static, Error>;

/// Returns the end of a stream that `caller` opened.
pub fn of(caller: &Caller, clock: &Clock, draining: &Shutdown, verifier: &Verifier) -> StreamEnd {
    let (ends_at, error) = if let Ok(user) = caller.user() {
        (user.expires_at, Error::new(Common::TokenExpired))
    } else {
        let error = Error::unavailable("the stream has no token and is old", DEFAULT_RETRY_AFTER);
        (clock.now() + ANONYMOUS_TTL, error)
    };
    let token_id = caller.user().ok().map(|user| user.token_id);
    let (clock, draining, verifier) = (clock.clone(), draining.clone(), verifier.clone());
    let revoked = async move {
        match token_id {
            Some(token_id) => verifier.revoked(token_id).await,
            None => std::future::pending().await,
        }
    };
    async move {
        tokio::select! {
            () = revoked => Error::new(Common::TokenRevoked),
            () = draining.cancelled() => Error::unavailable("the gateway is draining", DEFAULT_RETRY_AFTER),
            () = clock.sleep_until(ends_at) => error,
        }
    }
    .boxed()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use carshare_chassis::config::Identity;
    use carshare_chassis::identity::{Role, StaticJwks, UserCaller};

    use super::*;

    const START: &str = "2026-11-22T12:00:00Z";

    fn user() -> Caller {
        let id = "5b0e0000-0000-7000-8000-000000000001".parse().unwrap();
        let expires_at = "2026-11-22T12:15:00Z".parse().unwrap();
        Caller::User(UserCaller {
            id,
            role: Role::Host,
            email_verified: false,
            token_id: id,
            session_id: id,
            expires_at,
        })
    }

    fn verifier(clock: &Clock) -> Verifier {
        Verifier::new(
            &Identity::default(),
            Arc::new(StaticJwks::default()),
            clock.clone(),
        )
    }

    #[tokio::test]
    async fn stream_ends_with_its_token() {
        let (clock, control) = Clock::manual(START.parse().unwrap());
        let mut end = of(&user(), &clock, &Shutdown::new(), &verifier(&clock));
        control.advance(Duration::from_secs(899));
        assert!((&mut end).now_or_never().is_none());
        control.advance(Duration::from_secs(1));
        assert!(end.await.is(Common::TokenExpired));
    }

    #[tokio::test]
    async fn anonymous_stream_ends_after_five_minutes_or_on_drain() {
        let (clock, control) = Clock::manual(START.parse().unwrap());
        let draining = Shutdown::new();
        let open = || of(&Caller::Anonymous, &clock, &draining, &verifier(&clock));
        let mut end = open();
        control.advance(Duration::from_secs(299));
        assert!((&mut end).now_or_never().is_none());
        control.advance(Duration::from_secs(1));
        assert!(end.await.is(Common::Unavailable));
        let end = open();
        draining.trigger();
        assert!(end.await.is(Common::Unavailable));
    }
}
