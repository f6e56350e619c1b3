//! One event: from its entry to its effect, in the trace and under the correlation id it came with.

use std::panic::AssertUnwindSafe;

use anyhow::Result;
use carshare_chassis::Error as ChassisError;
use carshare_chassis::scope::Scope;
use carshare_chassis::telemetry::propagation;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use tracing::Instrument as _;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::handler::Applied;
use super::{Consumer, Entry, Meta};
use crate::error::Error;
use crate::stream::Envelope;
use crate::tx::Tx;

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
        let result = in_its_trace(self.group, envelope, work).await;
        let (outcome, word) = match result {
            Ok(Applied::Now) => (Outcome::Finished, "handled"),
            Ok(Applied::Before) => (Outcome::Finished, "repeated"),
            Err(why) => {
                // Whatever the handler made of it: while there is no database, no event can be judged.
                self.db.ping().await?;
                tracing::warn!(group = self.group, event = envelope.name, id = %envelope.id, error = why, "event failed");
                (Outcome::Failed(why), "failed")
            }
        };
        let labels = [
            ("group", self.group.to_owned()),
            ("event", envelope.name.clone()),
            ("outcome", word.to_owned()),
        ];
        metrics::counter!("events_handled_total", &labels).increment(1);
        let age = self.db.world().clock.now() - envelope.occurred_at;
        metrics::histogram!("event_age_seconds", "group" => self.group).record(age.as_seconds_f64().max(0.0));
        Ok(outcome)
    }
}

/// Runs the work of an event; the error is told in words, a panic is one too.
async fn in_its_trace(
    group: &str,
    envelope: &Envelope,
    work: BoxFuture<'_, Result<Applied, ChassisError>>,
) -> Result<Applied, String> {
    let span = tracing::info_span!(
        "event",
        otel.name = format!("event.{}", envelope.name),
        otel.kind = "consumer",
        group,
        id = %envelope.id,
        correlation_id = envelope.correlation_id,
    );
    if let Some(traceparent) = &envelope.traceparent {
        // Without an OpenTelemetry layer there is no trace to continue.
        span.set_parent(propagation::from_traceparent(traceparent)).ok();
    }
    let scope = Scope::background(envelope.correlation_id.as_str(), envelope.traceparent.as_deref());
    let work = AssertUnwindSafe(work).catch_unwind().instrument(span);
    match scope.run(work).await {
        Ok(result) => result.map_err(|error| format!("{error:?}")),
        Err(_) => Err("the handler panicked".to_owned()),
    }
}

/// Writes the inbox row; false if it is there already.
pub(super) async fn enter(tx: &Tx, group: &str, meta: &Meta) -> Result<bool, Error> {
    let sql = "INSERT INTO inbox (consumer, event_id, name, handled_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    let values = [
        group.into(),
        meta.id.into(),
        meta.name.as_str().into(),
        tx.now().into(),
    ];
    let made = tx
        .conn()
        .execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values))
        .await?;
    Ok(made.rows_affected() == 1)
}
