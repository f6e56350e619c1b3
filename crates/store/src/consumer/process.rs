//! Processes one entry: decodes it and runs its handler in the trace and under the correlation id of the event.

use std::panic::AssertUnwindSafe;

use anyhow::Result;
use carshare_chassis::Error as ChassisError;
use carshare_chassis::request_context::RequestContext;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::time::Instant;
use tracing::Span;

use super::registry::Handled;
use super::{Consumer, Entry};
use crate::envelope::Envelope;

/// What to do with an entry that was processed.
pub(super) enum Disposition {
    /// Acknowledge it: its effect is committed, or it has no handler.
    Acknowledge,
    /// Retry it after a delay.
    Retry(String),
    /// Dead-letter it at once: no attempt can decode it.
    DeadLetter(String),
}

impl Consumer {
    /// Processes an entry once. An error means that PostgreSQL is unreachable.
    pub(super) async fn process(&self, entry: &Entry) -> Result<Disposition> {
        let envelope = match &entry.event {
            Ok(envelope) => envelope,
            Err(why) => return Ok(Disposition::DeadLetter(why.clone())),
        };
        let work = match self
            .handlers
            .prepare(&self.db, self.group, &entry.stream, envelope)
        {
            None => return Ok(Disposition::Acknowledge),
            Some(Err(error)) => return Ok(Disposition::DeadLetter(error.to_string())),
            Some(Ok(work)) => work,
        };
        self.run_in_trace(envelope, work).await
    }

    /// Runs the work of an event in the trace and under the correlation id of the event.
    async fn run_in_trace(
        &self,
        envelope: &Envelope,
        work: BoxFuture<'_, Result<Handled, ChassisError>>,
    ) -> Result<Disposition> {
        let span = tracing::info_span!(
            "event",
            otel.name = format!("event.{}", envelope.name),
            otel.kind = "consumer",
            otel.status_code = tracing::field::Empty,
            group = self.group,
            id = %envelope.id,
            correlation_id = envelope.correlation_id,
        );
        let context =
            RequestContext::background(envelope.correlation_id.as_str(), envelope.traceparent.as_deref());
        context.run_in(span, self.observe(envelope, work)).await
    }

    /// Runs the work and records metrics, span status and the log line of the event.
    async fn observe(
        &self,
        envelope: &Envelope,
        work: BoxFuture<'_, Result<Handled, ChassisError>>,
    ) -> Result<Disposition> {
        let begin = Instant::now();
        let (outcome, outcome_name) = match error_text(work).await {
            Ok(Handled::Applied) => (Disposition::Acknowledge, "handled"),
            Ok(Handled::Duplicate) => (Disposition::Acknowledge, "repeated"),
            Err(why) => {
                // While PostgreSQL is unreachable no attempt counts, whatever error the handler made of it.
                self.db.ping().await?;
                Span::current().record("otel.status_code", "ERROR");
                (Disposition::Retry(why), "failed")
            }
        };
        let labels = [
            ("group", self.group.to_owned()),
            ("event", envelope.name.clone()),
            ("outcome", outcome_name.to_owned()),
        ];
        metrics::counter!("events_handled_total", &labels).increment(1);
        let age = self.db.environment().clock.now() - envelope.occurred_at;
        metrics::histogram!("event_age_seconds", "group" => self.group).record(age.as_seconds_f64().max(0.0));
        let error = match &outcome {
            Disposition::Retry(why) => Some(why.as_str()),
            _ => None,
        };
        let duration_ms = begin.elapsed().as_secs_f64() * 1000.0;
        // tracing fixes the level per call site, hence a macro.
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    group = self.group,
                    event = envelope.name,
                    id = %envelope.id,
                    outcome = outcome_name,
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
        Ok(outcome)
    }
}

/// Runs the work; an error or a panic becomes text.
async fn error_text(work: BoxFuture<'_, Result<Handled, ChassisError>>) -> Result<Handled, String> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(result) => result.map_err(|error| format!("{error:?}")),
        Err(_) => Err("the handler panicked".to_owned()),
    }
}
