//! W3C trace context: HTTP headers for calls, one string for storage.

use http::{HeaderMap, HeaderName};
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The header, and the name of the stored field.
pub const TRACEPARENT: &str = "traceparent";

/// Reads the trace context from headers; an empty context when they have none.
pub fn extract(headers: &HeaderMap) -> Context {
    TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers))
}

/// Writes the trace context to headers and replaces what they have.
pub fn inject(context: &Context, headers: &mut HeaderMap) {
    TraceContextPropagator::new().inject_context(context, &mut HeaderInjector(headers));
}

/// Returns the context of the current span, if it belongs to a trace.
pub fn of_current_span() -> Option<Context> {
    of_span(&tracing::Span::current())
}

/// Returns the context of a span, if it belongs to a trace.
pub fn of_span(span: &tracing::Span) -> Option<Context> {
    let context = span.context();
    context.span().span_context().is_valid().then_some(context)
}

/// Sets the name of an open span in its trace. The field `otel.name` sets it only until the span's context is first read.
pub fn rename(span: &tracing::Span, name: String) {
    span.context().span().update_name(name);
}

/// Returns the trace id of a context, if it has a valid one.
pub fn trace_id(context: &Context) -> Option<String> {
    let span = context.span();
    let ids = span.span_context();
    ids.is_valid().then(|| ids.trace_id().to_string())
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
