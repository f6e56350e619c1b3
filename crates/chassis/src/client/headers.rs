//! What a call takes along: the time left, the trace, the correlation id.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use tracing::Span;

use super::Shared;
use crate::deadline::{self, Deadline, GRPC_TIMEOUT};
use crate::method_registry::Method;
use crate::request_context::{CORRELATION_ID, RequestContext};
use crate::telemetry::propagation;
use crate::tls::INSECURE_PEER;

/// The earliest of: what the caller set on this call, what is left of the work it belongs to, and (unless it streams) the
/// peer's timeout.
pub(super) fn deadline(
    headers: &HeaderMap,
    scope: Option<&RequestContext>,
    method: Option<&Method>,
    timeout: Duration,
) -> Option<Deadline> {
    let set = deadline::requested(headers);
    let left = scope
        .and_then(RequestContext::deadline)
        .map(|deadline| deadline.for_next_hop());
    let usual = method
        .is_none_or(Method::is_unary)
        .then(|| Deadline::after(timeout));
    [set.map(Deadline::after), left, usual]
        .into_iter()
        .flatten()
        .min()
}

/// Writes the headers of one attempt.
pub(super) fn write(
    headers: &mut HeaderMap,
    shared: &Shared,
    scope: Option<&RequestContext>,
    span: &Span,
    deadline: Option<Deadline>,
) {
    if let Some(deadline) = deadline {
        let left = deadline::format_timeout(deadline.remaining());
        if let Ok(left) = HeaderValue::from_str(&left) {
            headers.insert(GRPC_TIMEOUT, left);
        }
    }
    if let Some(trace) = propagation::of_span(span).or_else(|| scope.map(RequestContext::trace)) {
        propagation::inject(&trace, headers);
    }
    if let Some(id) = scope.and_then(|scope| HeaderValue::from_str(scope.correlation_id()).ok()) {
        headers.insert(CORRELATION_ID, id);
    }
    if let Some(claim) = &shared.claim {
        headers.insert(INSECURE_PEER, claim.clone());
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::Context;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::lang::Lang;
    use crate::method_registry::find;

    fn scope(left_ms: u64) -> RequestContext {
        let deadline = Deadline::after(Duration::from_millis(left_ms));
        RequestContext::new(
            "c".into(),
            Some(deadline),
            Lang::Ko,
            Context::new(),
            CancellationToken::new(),
        )
    }

    fn left_ms(set: Option<&'static str>, scope: Option<&RequestContext>, path: &str) -> Option<u128> {
        let headers = set.map(|set| (GRPC_TIMEOUT.parse().unwrap(), HeaderValue::from_static(set)));
        let deadline = deadline(
            &headers.into_iter().collect(),
            scope,
            find(path),
            Duration::from_secs(10),
        );
        // A second of slack for a slow machine; the values below are minutes apart.
        deadline.map(|deadline| deadline.remaining().as_secs_f64().ceil() as u128)
    }

    #[test]
    fn the_earliest_limit_wins() {
        const UNARY: &str = "/carshare.vehicle.v1.VehicleService/PlaceHold";
        const STREAM: &str = "/carshare.notification.v1.NotificationService/Subscribe";
        assert_eq!(left_ms(None, None, UNARY), Some(10));
        assert_eq!(left_ms(Some("5S"), None, UNARY), Some(5));
        assert_eq!(left_ms(Some("50S"), None, UNARY), Some(10));
        assert_eq!(left_ms(Some("5S"), Some(&scope(2_000)), UNARY), Some(2));
        assert_eq!(left_ms(None, Some(&scope(60_000)), UNARY), Some(10));
        assert_eq!(left_ms(None, None, STREAM), None);
        assert_eq!(left_ms(Some("100S"), None, STREAM), Some(100));
    }

    #[test]
    fn the_next_hop_gets_less_than_this_one_has() {
        let here = scope(4_000);
        let next = deadline(&HeaderMap::new(), Some(&here), None, Duration::from_secs(10)).unwrap();
        // A fiftieth of four seconds, give or take the time this test needs.
        let kept = here
            .deadline()
            .unwrap()
            .remaining()
            .saturating_sub(next.remaining());
        assert!((75..=85).contains(&kept.as_millis()), "{kept:?}");
    }
}
