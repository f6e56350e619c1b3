//! Refuses calls while the server drains, on connections that are still open. An own layer: tower has none.

use futures::future::{Either, ready};

use super::{Inner, RETRY_AFTER, Result, ServerCall};
use crate::error::Error;

pub fn refuse<S: Inner>((): &(), inner: &mut S, call: ServerCall) -> impl Future<Output = Result> + use<S> {
    if call.context.draining().is_cancelled() {
        let refused = Error::unavailable("the server is draining", RETRY_AFTER);
        return Either::Left(ready(Err(refused)));
    }
    Either::Right(inner.call(call))
}

#[cfg(test)]
mod tests {
    use carshare_proto::common::v1::ErrorReason as Common;

    use super::super::tests::{LOGIN, call, never, ok, run};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn call_is_refused_while_draining_only() {
        run((), refuse, call(LOGIN), ok).await.unwrap();
        let late = call(LOGIN);
        late.context.draining().cancel();
        let error = run((), refuse, late, never).await.unwrap_err();
        assert!(error.is(Common::Unavailable));
        assert_eq!(error.retry_delay(), Some(RETRY_AFTER));
    }
}
