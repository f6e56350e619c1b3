//! One event: from its entry to its effect, in the trace and under the correlation id it came with.

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

/// What is to be done with the entry.
pub(super) enum Outcome {
    /// Its effect is there, or it has none here.
    Finished,
    /// It failed this time.
    Failed(String),
    /// It will never be understood.
    Undecodable(String),
}

impl Consumer {
    /// Handles an entry once. An error means that PostgreSQL is away, which is not the event's fault.
    pub(super) async fn handle(&self, entry: &Entry) -> Result<Outcome> {
        let envelope = match &entry.event {
            Ok(envelope) => envelope,
            Err(why) => return Ok(Outcome::Undecodable(why.clone())),
        };
        let work = match self
            .handlers
            .prepare(&self.db, self.group, &entry.stream, envelope)
        {
            None => return Ok(Outcome::Finished),
            Some(Err(error)) => return Ok(Outcome::Undecodable(error.to_string())),
            Some(Ok(work)) => work,
        };
        self.in_its_trace(envelope, work).await
    }

    /// Runs the work of an event in the trace and under the correlation id it came with.
    async fn in_its_trace(
        &self,
        envelope: &Envelope,
        work: BoxFuture<'_, Result<Handled, ChassisError>>,
    ) -> Result<Outcome> {
        let span = tracing::info_span!(
            "event",
            otel.name = format!("event.{}", envelope.name),
            otel.kind = "consumer",
            otel.status_code = tracing::field::Empty,
            group = self.group,
            id = %envelope.id,
            correlation_id = envelope.correlation_id,
        );
        let scope =
            RequestContext::background(envelope.correlation_id.as_str(), envelope.traceparent.as_deref());
        scope.run_in(span, self.judge(envelope, work)).await
    }

    /// Does the work and tells how it went: metrics, span, the one log line of the event.
    async fn judge(
        &self,
        envelope: &Envelope,
        work: BoxFuture<'_, Result<Handled, ChassisError>>,
    ) -> Result<Outcome> {
        let begin = Instant::now();
        let (outcome, word) = match told(work).await {
            Ok(Handled::Applied) => (Outcome::Finished, "handled"),
            Ok(Handled::Duplicate) => (Outcome::Finished, "repeated"),
            Err(why) => {
                // Whatever the handler made of it: while there is no database, no event can be judged.
                self.db.ping().await?;
                Span::current().record("otel.status_code", "ERROR");
                (Outcome::Failed(why), "failed")
            }
        };
        let labels = [
            ("group", self.group.to_owned()),
            ("event", envelope.name.clone()),
            ("outcome", word.to_owned()),
        ];
        metrics::counter!("events_handled_total", &labels).increment(1);
        let age = self.db.environment().clock.now() - envelope.occurred_at;
        metrics::histogram!("event_age_seconds", "group" => self.group).record(age.as_seconds_f64().max(0.0));
        let error = match &outcome {
            Outcome::Failed(why) => Some(why.as_str()),
            _ => None,
        };
        let duration_ms = begin.elapsed().as_secs_f64() * 1000.0;
        // The level of a line is part of its call site, so each level is one.
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    group = self.group,
                    event = envelope.name,
                    id = %envelope.id,
                    outcome = word,
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

/// The error of the work in words; a panic is one too.
async fn told(work: BoxFuture<'_, Result<Handled, ChassisError>>) -> Result<Handled, String> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(result) => result.map_err(|error| format!("{error:?}")),
        Err(_) => Err("the handler panicked".to_owned()),
    }
}
