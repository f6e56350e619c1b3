//! W3C trace context: HTTP headers for calls, one string for storage.

use std::sync::LazyLock;

use http::{HeaderMap, HeaderName};
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use sha2::{Digest as _, Sha256};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use uuid::Uuid;

/// The header, and the name of the stored field.
pub const TRACEPARENT: &str = "traceparent";

static PROPAGATOR: LazyLock<TraceContextPropagator> = LazyLock::new(TraceContextPropagator::new);

/// Reads the trace context from headers; an empty context when they have none.
pub fn extract(headers: &HeaderMap) -> Context {
    if headers.contains_key(TRACEPARENT) {
        PROPAGATOR.extract_with_context(&Context::new(), &HeaderExtractor(headers))
    } else {
        Context::new()
    }
}

/// Writes the trace context to headers and replaces what they have.
pub fn inject(context: &Context, headers: &mut HeaderMap) {
    PROPAGATOR.inject_context(context, &mut HeaderInjector(headers));
}

/// Returns the context of the current span, if it belongs to a trace.
pub fn of_current_span() -> Option<Context> {
    of_span(&Span::current())
}

/// Returns the context of a span, if it belongs to a trace.
pub fn of_span(span: &Span) -> Option<Context> {
    let context = span.context();
    context.span().span_context().is_valid().then_some(context)
}

/// Sets the name of an open span in its trace. The field `otel.name` sets it only until the span's context is first read.
pub fn rename(span: &Span, name: String) {
    span.context().span().update_name(name);
}

/// Sets an attribute of the current span that names a resource, `booking_id`: one query for it finds the traces of the resource.
pub fn set_resource(name: impl Into<opentelemetry::Key>, id: &str) {
    let span = Span::current();
    if !span.is_disabled() {
        span.set_attribute(name, id.to_owned());
    }
}

/// Returns the trace id of a context, if it has a valid one.
pub fn trace_id(context: &Context) -> Option<String> {
    let span = context.span();
    let ids = span.span_context();
    ids.is_valid().then(|| ids.trace_id().to_string())
}

/// Links a span to the trace in headers of a caller that is not trusted to continue its trace here.
pub fn link(span: &Span, headers: &HeaderMap) {
    let of_caller = extract(headers).span().span_context().clone();
    if of_caller.is_valid() {
        span.add_link(of_caller);
    }
}

/// Returns the trace id for the log of a request: of its span or, without a trace, of its correlation id.
pub fn log_id(span: &Span, correlation_id: &str) -> String {
    let trace = of_span(span).unwrap_or_default();
    trace_id(&trace).unwrap_or_else(|| trace_id_of(correlation_id))
}

/// Returns a trace id that is the same for equal correlation ids: the id itself if it is a UUID, else of its hash.
pub(crate) fn trace_id_of(correlation_id: &str) -> String {
    let uuid = Uuid::try_parse(correlation_id).unwrap_or_else(|_| {
        let hash: [u8; 32] = Sha256::digest(correlation_id).into();
        Uuid::from_slice(&hash[..16]).unwrap_or_default()
    });
    uuid.simple().to_string()
}

/// Parses a stored `traceparent`; an empty context when it is malformed.
pub fn from_traceparent(text: &str) -> Context {
    let value = text.parse();
    let header = value.map(|value| (HeaderName::from_static(TRACEPARENT), value));
    extract(&header.into_iter().collect())
}

/// Returns the `traceparent` of a context, if it has a valid trace.
pub fn to_traceparent(context: &Context) -> Option<String> {
    let mut headers = HeaderMap::new();
    inject(context, &mut headers);
    Some(headers.get(TRACEPARENT)?.to_str().ok()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_id_without_a_trace_is_of_the_correlation_id() {
        let id = |correlation_id| log_id(&Span::none(), correlation_id);
        let uuid = "0197f1a0-0000-7000-8000-00000000abcd";
        assert_eq!(id(uuid), "0197f1a000007000800000000000abcd");
        assert_eq!(id("c-1"), id("c-1"));
        assert_ne!(id("c-1"), id("c-2"));
    }
}
