//! Ends a call at its deadline, and begins none whose deadline has passed. An own layer: tower's timeout is the same for all calls.

use super::{Inner, Result, ServerCall};
use crate::deadline::within;

pub fn enforce<S: Inner>((): &(), inner: &mut S, call: ServerCall) -> impl Future<Output = Result> + use<S> {
    within(call.context.deadline(), inner.call(call))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use carshare_proto::common::v1::ErrorReason as Common;
    use tokio::time::Instant;

    use super::super::tests::run;
    use super::super::tests::{LOGIN, call_until, never, pending};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn call_ends_at_its_deadline() {
        let started = Instant::now();
        let error = run((), enforce, call_until(LOGIN, Duration::from_secs(3)), pending).await;
        assert!(error.unwrap_err().is(Common::DeadlineExceeded));
        assert_eq!(started.elapsed(), Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn late_call_is_not_begun() {
        let error = run((), enforce, call_until(LOGIN, Duration::ZERO), never).await;
        assert!(error.unwrap_err().is(Common::DeadlineExceeded));
    }
}
