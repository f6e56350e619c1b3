//! Task-local request context: correlation id, trace, deadline and language.
//!
//! The server opens one for each RPC and the event consumers for each event; client channels, the outbox and the logs read it.
//! Business rules do not: they read [`crate::rpc::CallContext`].

use std::borrow::Cow;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use uuid::Uuid;

use crate::deadline::Deadline;
use crate::error::Error;
use crate::ids::Ids;
use crate::lang::Lang;
use crate::trace_context;

/// Metadata key and HTTP header of the correlation id.
pub const CORRELATION_ID: &str = "x-correlation-id";

/// Name of the correlation id at load balancers and other systems; read, never written.
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
    /// The trace of the work, for when no span of this process is open.
    trace: opentelemetry::Context,
    /// Fires when the server begins to drain.
    draining: CancellationToken,
    log: Arc<Mutex<LogFields>>,
}

/// Returns the trace id of stored work: of its W3C `traceparent`, or made of its correlation id as in the log. `None` without both.
pub fn trace_id(correlation_id: Option<&str>, traceparent: Option<&str>) -> Option<String> {
    let trace = traceparent.map(trace_context::from_traceparent);
    let of_trace = trace.as_ref().and_then(trace_context::trace_id);
    of_trace.or_else(|| correlation_id.map(trace_context::trace_id_of))
}

/// Fields of the access log that are known only inside the call.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogFields {
    /// Service at the other end of the connection.
    pub(crate) peer: Option<Arc<str>>,
    /// Kind of caller, or name of the calling service.
    pub(crate) caller: Option<Cow<'static, str>>,
    pub(crate) user_id: Option<Uuid>,
    /// Reason of the error.
    pub(crate) reason: Option<&'static str>,
    /// Causes of the error, which are not sent.
    pub(crate) cause: Option<String>,
    /// The caller cancelled the call, so that no error of it is ours.
    pub(crate) is_cancelled: bool,
}

impl RequestContext {
    /// Creates the context of work without an RPC: an event or a timer.
    ///
    /// `traceparent` is the W3C value stored with the event; the work continues its trace.
    pub fn background(correlation_id: impl Into<String>, traceparent: Option<&str>) -> Self {
        let trace = traceparent.map(trace_context::from_traceparent);
        Self::new(
            correlation_id.into(),
            None,
            Lang::default(),
            trace.unwrap_or_default(),
            CancellationToken::new(),
        )
    }

    /// Creates the context of one RPC, or of one request at the gateway. `draining` fires when the server begins to drain.
    pub fn new(
        correlation_id: String,
        deadline: Option<Deadline>,
        lang: Lang,
        trace: opentelemetry::Context,
        draining: CancellationToken,
    ) -> Self {
        let log = Arc::default();
        Self(Arc::new(Inner {
            correlation_id,
            deadline,
            lang,
            trace,
            draining,
            log,
        }))
    }

    /// Returns the context of the current task.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Runs `future` in this context.
    pub fn run<F: Future>(self, future: F) -> impl Future<Output = F::Output> + use<F> {
        CURRENT.scope(self, future)
    }

    /// Runs background work in this context and in `span`, which continues the trace of the context or, without one, begins one.
    pub fn run_in<F: Future>(self, span: Span, future: F) -> impl Future<Output = F::Output> {
        if !span.is_disabled() && trace_context::trace_id(&self.0.trace).is_some() {
            // Fails only when no OpenTelemetry layer is installed.
            let _ = span.set_parent(self.0.trace.clone());
        }
        let trace = trace_context::of_span(&span).unwrap_or_else(|| self.0.trace.clone());
        let inner = Inner {
            trace,
            ..(*self.0).clone()
        };
        Self(Arc::new(inner)).run(future.instrument(span))
    }

    /// Runs `work` in this context, for code that polls by hand.
    pub fn enter<T>(self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self, work)
    }

    /// Id shared by everything that is done for one request of a client.
    pub fn correlation_id(&self) -> &str {
        &self.0.correlation_id
    }

    pub fn deadline(&self) -> Option<Deadline> {
        self.0.deadline
    }

    /// Language of the caller.
    pub fn lang(&self) -> Lang {
        self.0.lang
    }

    /// Returns the W3C `traceparent` to store or send: of the current span, or of this context.
    pub fn traceparent(&self) -> Option<String> {
        trace_context::to_traceparent(&self.trace())
    }

    /// Returns the trace id for logs: without a trace, one made of the correlation id, so that it is the same in every process.
    pub fn trace_id(&self) -> String {
        let of_trace = trace_context::trace_id(&self.0.trace);
        of_trace.unwrap_or_else(|| trace_context::trace_id_of(&self.0.correlation_id))
    }

    /// Returns the OpenTelemetry context of the current span, or of this context.
    pub(crate) fn trace(&self) -> opentelemetry::Context {
        trace_context::of_current_span().unwrap_or_else(|| self.0.trace.clone())
    }

    pub(crate) fn draining(&self) -> &CancellationToken {
        &self.0.draining
    }

    /// Returns the context for work that may outlive the call.
    pub(crate) fn without_deadline(&self) -> Self {
        Self(Arc::new(Inner {
            deadline: None,
            ..(*self.0).clone()
        }))
    }

    /// Fields of the access log, locked: do not hold them across an await.
    pub(crate) fn log_fields(&self) -> MutexGuard<'_, LogFields> {
        self.0.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that the caller cancelled the call, for the access log.
    pub(crate) fn record_cancellation(&self) {
        self.log_fields().is_cancelled = true;
    }

    /// Records the error that the call ends with, for the access log.
    pub(crate) fn record_error(&self, error: &Error) {
        let mut fields = self.log_fields();
        fields.reason = Some(error.reason());
        fields.cause = error.cause_text();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[tokio::test]
    async fn context_is_visible_inside_its_work_only() {
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
    fn malformed_traceparent_is_no_trace() {
        assert_eq!(
            RequestContext::background("c", Some("nonsense")).traceparent(),
            None
        );
    }
}
