//! Ends a call, with all its attempts, at its deadline, and begins none whose deadline has passed. An own layer: tower's timeout is
//! the same for all calls.

use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use futures::TryFutureExt as _;
use http::HeaderMap;

use super::{ClientCall, Inner, Result};
use crate::deadline::{Deadline, requested, within};
use crate::method_registry::Method;
use crate::request_context::RequestContext;

/// Returns the earliest of: the deadline in the headers, the time left in the request context, and `timeout` unless the RPC
/// streams.
///
/// A unary call leaves this hop its share of the time left, so that an error still arrives in time. A stream has all of it: it ends with a
/// status at the deadline and not before, because each message is a result of its own.
pub fn of_call(
    headers: &HeaderMap,
    context: Option<&RequestContext>,
    method: Option<&Method>,
    timeout: Duration,
) -> Option<Deadline> {
    let requested = requested(headers).map(Deadline::after);
    let is_unary = method.is_none_or(Method::is_unary);
    let left = context
        .and_then(RequestContext::deadline)
        .map(|left| if is_unary { left.for_next_hop() } else { left });
    let upper_bound = is_unary.then(|| Deadline::after(timeout));
    [requested, left, upper_bound].into_iter().flatten().min()
}

pub fn enforce<S: Inner>((): &(), inner: &mut S, call: ClientCall) -> impl Future<Output = Result> + use<S> {
    let (peer, deadline) = (call.peer, call.deadline);
    within(deadline, inner.call(call)).map_err(move |error| {
        if error.is(Common::DeadlineExceeded) {
            error.cause(anyhow::anyhow!("waiting for {peer}"))
        } else {
            error
        }
    })
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::super::tests::{call, context, never, run};
    use super::*;
    use crate::deadline::GRPC_TIMEOUT;
    use crate::method_registry::find;

    fn left_ms(grpc_timeout: Option<&'static str>, context: Option<u64>, path: &str) -> Option<u128> {
        let header = grpc_timeout.map(|value| (GRPC_TIMEOUT.parse().unwrap(), value.parse().unwrap()));
        let context = context.map(self::context);
        let headers = header.into_iter().collect();
        let deadline = of_call(&headers, context.as_ref(), find(path), Duration::from_secs(10));
        deadline.map(|deadline| deadline.remaining().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn earliest_limit_wins() {
        const UNARY: &str = "/carshare.vehicle.v1.VehicleService/PlaceHold";
        const STREAM: &str = "/carshare.notification.v1.NotificationService/Subscribe";
        assert_eq!(left_ms(None, None, UNARY), Some(10_000));
        assert_eq!(left_ms(Some("5S"), None, UNARY), Some(5_000));
        assert_eq!(left_ms(Some("50S"), None, UNARY), Some(10_000));
        // This hop keeps a fiftieth of the time left.
        assert_eq!(left_ms(Some("5S"), Some(2_000), UNARY), Some(1_960));
        assert_eq!(left_ms(None, Some(60_000), UNARY), Some(10_000));
        assert_eq!(left_ms(None, None, STREAM), None);
        assert_eq!(left_ms(Some("100S"), None, STREAM), Some(100_000));
        assert_eq!(left_ms(None, Some(2_000), STREAM), Some(2_000));
    }

    #[tokio::test(start_paused = true)]
    async fn call_ends_at_its_deadline_and_names_the_peer() {
        let started = Instant::now();
        let pending = async |_| std::future::pending().await;
        let error = run((), enforce, call(), pending).await.unwrap_err();
        assert!(error.is(Common::DeadlineExceeded));
        assert_eq!(error.cause_text().as_deref(), Some("waiting for vehicle"));
        assert_eq!(started.elapsed(), Duration::from_mins(1));
    }

    #[tokio::test(start_paused = true)]
    async fn late_call_is_not_begun() {
        let late = ClientCall {
            deadline: Some(Deadline::after(Duration::ZERO)),
            ..call()
        };
        let error = run((), enforce, late, never).await.unwrap_err();
        assert!(error.is(Common::DeadlineExceeded));
    }
}
