//! W3C trace context in and out: HTTP headers for calls, one string for what is stored.

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The header, and the name of the stored field.
pub const TRACEPARENT: &str = "traceparent";

/// The trace that the headers tell of; an empty context when they tell of none.
pub fn extract(headers: &HeaderMap) -> Context {
    TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers))
}

/// Writes the trace into the headers, over what is there.
pub fn inject(context: &Context, headers: &mut HeaderMap) {
    TraceContextPropagator::new().inject_context(context, &mut HeaderInjector(headers));
}

/// The context of the open span, when it takes part in a trace.
pub fn of_current_span() -> Option<Context> {
    of_span(&tracing::Span::current())
}

/// The context of a span, when it takes part in a trace.
pub fn of_span(span: &tracing::Span) -> Option<Context> {
    let context = span.context();
    context.span().span_context().is_valid().then_some(context)
}

/// Gives an open span the name that its trace shows. Setting the field `otel.name` does so only until somebody has asked for
/// the span's context.
pub fn rename(span: &tracing::Span, name: String) {
    span.context().span().update_name(name);
}

/// The trace id of a context, when it has a valid trace.
pub fn trace_id(context: &Context) -> Option<String> {
    let span = context.span();
    let ids = span.span_context();
    ids.is_valid().then(|| ids.trace_id().to_string())
}

/// The context of a stored `traceparent`; an empty one when the text is broken.
pub fn from_traceparent(text: &str) -> Context {
    let mut headers = HeaderMap::new();
    if let Ok(value) = text.parse() {
        headers.insert(TRACEPARENT, value);
    }
    extract(&headers)
}

/// The `traceparent` of a context, when it has a valid trace.
pub fn to_traceparent(context: &Context) -> Option<String> {
    let mut headers = HeaderMap::new();
    inject(context, &mut headers);
    headers
        .get(TRACEPARENT)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}
