//! Trace, metrics and log line of one handled or failed event.

use carshare_chassis::request_context::RequestContext;
use chrono::{DateTime, Utc};
use tokio::time::Instant;
use tracing::Span;
use uuid::Uuid;

use crate::envelope::Envelope;

/// What is recorded when an event was handled or has failed.
pub(super) struct Observation {
    group: &'static str,
    id: Uuid,
    name: String,
    occurred_at: DateTime<Utc>,
    context: Option<RequestContext>,
    span: Span,
    begin: Instant,
}

impl Observation {
    /// Returns the request context and the span in which the handler of an event runs.
    pub(super) fn scope(group: &'static str, envelope: &Envelope) -> (RequestContext, Span) {
        let span = tracing::info_span!(
            "event",
            otel.name = format!("event.{}", envelope.name),
            otel.kind = "consumer",
            otel.status_code = tracing::field::Empty,
            group,
            id = %envelope.id,
            correlation_id = envelope.correlation_id,
        );
        let context =
            RequestContext::background(envelope.correlation_id.as_str(), envelope.traceparent.as_deref());
        (context, span)
    }

    /// Begins in the current span and request context.
    pub(super) fn begin(group: &'static str, envelope: &Envelope) -> Self {
        Self {
            group,
            id: envelope.id,
            name: envelope.name.clone(),
            occurred_at: envelope.occurred_at,
            context: RequestContext::current(),
            span: Span::current(),
            begin: Instant::now(),
        }
    }

    /// Records the outcome `handled` or `failed`.
    pub(super) fn record(self, outcome: &'static str, error: Option<&str>, now: DateTime<Utc>) {
        let labels = [
            ("group", self.group.to_owned()),
            ("event", self.name.clone()),
            ("outcome", outcome.to_owned()),
        ];
        metrics::counter!("events_handled_total", &labels).increment(1);
        let age = (now - self.occurred_at).as_seconds_f64().max(0.0);
        metrics::histogram!("event_age_seconds", "group" => self.group).record(age);
        if error.is_some() {
            self.span.record("otel.status_code", "ERROR");
        }
        let _in_span = self.span.enter();
        match self.context.clone() {
            Some(context) => context.enter(|| self.log(outcome, error)),
            None => self.log(outcome, error),
        }
    }

    fn log(&self, outcome: &'static str, error: Option<&str>) {
        let duration_ms = self.begin.elapsed().as_secs_f64() * 1000.0;
        // tracing fixes the level per call site, hence a macro.
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    group = self.group,
                    event = self.name,
                    id = %self.id,
                    outcome,
                    error,
                    duration_ms,
                    "event"
                )
            };
        }
        if error.is_some() {
            line!(warn);
        } else {
            line!(info);
        }
    }
}
