//! Task-local request context: correlation id, trace, deadline and language.
//!
//! The server opens a scope for each RPC and the event consumers for each event; client channels, the outbox and the
//! logs read it. Nothing that decides about business reads it: that is in [`crate::rpc::CallContext`].

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::deadline::Deadline;
use crate::error::Error;
use crate::ids::Ids;
use crate::lang::Lang;
use crate::telemetry::propagation;

/// Metadata key and HTTP header of the correlation id.
pub const CORRELATION_ID: &str = "x-correlation-id";

/// Another name of the correlation id, which load balancers and other systems send. Read, never written.
const REQUEST_ID: &str = "x-request-id";

/// Returns the correlation id a client sent, or a new one.
///
/// It appears in logs, headers and events, so only 1 to 128 letters, digits, `-`, `_`, `.` and `:` are accepted.
pub fn correlation_id(headers: &HeaderMap, ids: &Ids) -> String {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    let accepted = |id: &&str| (1..=128).contains(&id.len()) && id.bytes().all(allowed);
    [CORRELATION_ID, REQUEST_ID]
        .into_iter()
        .find_map(|name| headers.get(name)?.to_str().ok().filter(accepted))
        .map_or_else(|| ids.next().to_string(), str::to_owned)
}

tokio::task_local! {
    static CURRENT: RequestContext;
}

/// The request context of the current task. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RequestContext(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    correlation_id: String,
    deadline: Option<Deadline>,
    lang: Lang,
    /// The trace this work belongs to, for when no span of ours is open.
    trace: opentelemetry::Context,
    /// Fires when the server that runs this work begins to drain.
    draining: CancellationToken,
    /// The error the RPC ended with, left here by the glue for the canonical log line.
    failure: Arc<Mutex<Option<Failure>>>,
}

/// The error's fields of the canonical log line.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) reason: &'static str,
    pub(crate) cause: Option<String>,
}

impl RequestContext {
    /// The scope of work that no RPC asked for: an event being consumed, a timer.
    ///
    /// `traceparent` is the W3C value stored with what is being worked on, so that the trace goes on.
    pub fn background(correlation_id: impl Into<String>, traceparent: Option<&str>) -> Self {
        let trace = traceparent.map(propagation::from_traceparent).unwrap_or_default();
        Self::new(
            correlation_id.into(),
            None,
            Lang::default(),
            trace,
            CancellationToken::new(),
        )
    }

    /// The scope of one RPC, or of a request at the edge.
    pub fn new(
        correlation_id: String,
        deadline: Option<Deadline>,
        lang: Lang,
        trace: opentelemetry::Context,
        draining: CancellationToken,
    ) -> Self {
        let failure = Arc::default();
        Self(Arc::new(Inner {
            correlation_id,
            deadline,
            lang,
            trace,
            draining,
            failure,
        }))
    }

    /// The scope this code runs in.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Runs `future` in this scope.
    pub fn run<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, future)
    }

    /// Runs background work in this scope and in `span`, which goes on with the scope's trace, or begins one when the
    /// scope has none.
    pub fn run_in<F: Future>(self, span: Span, future: F) -> impl Future<Output = F::Output> {
        if self.trace_id().is_some() {
            // Fails only when no OpenTelemetry layer is installed.
            let _ = span.set_parent(self.0.trace.clone());
        }
        let trace = propagation::of_span(&span).unwrap_or_else(|| self.0.trace.clone());
        let inside = Inner {
            trace,
            ..(*self.0).clone()
        };
        Self(Arc::new(inside)).run(future.instrument(span))
    }

    /// Runs `work` in this scope, for code that polls by hand.
    pub fn enter<T>(self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self, work)
    }

    /// Id that ties together everything done for one request of a client.
    pub fn correlation_id(&self) -> &str {
        &self.0.correlation_id
    }

    /// When the work must be over, if it must.
    pub fn deadline(&self) -> Option<Deadline> {
        self.0.deadline
    }

    /// The language of the caller.
    pub fn lang(&self) -> Lang {
        self.0.lang
    }

    /// The W3C `traceparent` to store or send, so that the trace goes on there: of the open span, or of this scope.
    pub fn traceparent(&self) -> Option<String> {
        propagation::to_traceparent(&self.trace())
    }

    /// Id of the trace this work belongs to.
    pub fn trace_id(&self) -> Option<String> {
        propagation::trace_id(&self.0.trace)
    }

    /// The OpenTelemetry context to hand on.
    pub(crate) fn trace(&self) -> opentelemetry::Context {
        propagation::of_current_span().unwrap_or_else(|| self.0.trace.clone())
    }

    /// Fires when the server that runs this work begins to drain.
    pub(crate) fn draining(&self) -> CancellationToken {
        self.0.draining.clone()
    }

    /// The same for work that outlives the call.
    pub(crate) fn without_deadline(&self) -> Self {
        let surroundings = Inner {
            deadline: None,
            ..(*self.0).clone()
        };
        Self(Arc::new(surroundings))
    }

    /// Leaves the error for the canonical log line.
    pub(crate) fn record_failure(&self, error: &Error) {
        let failure = Failure {
            reason: error.reason(),
            cause: error.cause_text(),
        };
        *self.0.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
    }

    /// Takes the error left by [`RequestContext::record_failure`].
    pub(crate) fn take_failure(&self) -> Option<Failure> {
        self.0
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[tokio::test]
    async fn work_sees_its_scope_and_other_work_does_not() {
        let inside = RequestContext::background("corr-7", Some(TRACEPARENT))
            .run(async { RequestContext::current() })
            .await
            .unwrap();
        assert_eq!(inside.correlation_id(), "corr-7");
        assert_eq!(inside.traceparent().as_deref(), Some(TRACEPARENT));
        assert!(RequestContext::current().is_none());
    }

    #[test]
    fn correlation_id_is_accepted_or_replaced() {
        let ids = crate::Environment::system().ids;
        let read = |headers: &[(&'static str, &str)]| {
            let headers = headers
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            correlation_id(&headers.collect(), &ids)
        };
        assert_eq!(read(&[("x-correlation-id", "app-1.7:a_b")]), "app-1.7:a_b");
        assert_eq!(read(&[("x-request-id", "r1")]), "r1");
        assert_eq!(read(&[("x-request-id", "r1"), ("x-correlation-id", "c1")]), "c1");
        let longest = "x".repeat(128);
        assert_eq!(read(&[("x-correlation-id", &longest)]), longest);
        let too_long = "x".repeat(129);
        for id in ["", "a b", "a\"b", "키", &too_long] {
            assert_eq!(read(&[("x-correlation-id", id)]).len(), 36, "{id:?}");
        }
    }

    #[test]
    fn a_broken_traceparent_is_no_trace() {
        assert_eq!(
            RequestContext::background("c", Some("nonsense")).traceparent(),
            None
        );
    }
}
