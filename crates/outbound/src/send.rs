//! Sending a request: attempts until one is answered, the tries are used up, or the time is.

use std::time::Duration;

use carshare_chassis::request_context::RequestContext;
use carshare_chassis::telemetry::propagation;
use http::HeaderValue;
use reqwest::Request;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::attempt;
use crate::backoff;
use crate::client::Inner;
use crate::error::OutboundError;
use crate::reply::Reply;
use crate::request::RequestBuilder;

/// What stays the same over the attempts of one call.
struct Call<'a> {
    client: &'a Inner,
    operation: &'static str,
    request: Request,
    retries: u32,
    /// Real time: sockets do not follow an injected clock.
    deadline: Instant,
}

pub(crate) async fn run(builder: RequestBuilder) -> Result<Reply, OutboundError> {
    let client = std::sync::Arc::clone(&builder.client.0);
    let span = tracing::info_span!(
        "outbound",
        otel.name = format!("outbound.{}.{}", client.peer, builder.operation),
        otel.kind = "client",
        peer = client.peer,
        operation = builder.operation,
        outcome = tracing::field::Empty,
    );
    let begun = Instant::now();
    let retries = if builder.is_repeatable() {
        client.config.max_retries
    } else {
        0
    };
    let deadline = deadline(begun, builder.timeout);
    let operation = builder.operation;
    let result = async {
        let request = builder.builder.and_then(build)?;
        Call {
            client: &client,
            operation,
            request,
            retries,
            deadline,
        }
        .run()
        .await
    }
    .instrument(span.clone())
    .await;

    let outcome = result.as_ref().map_or_else(OutboundError::label, Reply::label);
    span.record("outcome", outcome);
    metrics::histogram!("outbound_request_duration_seconds", "peer" => client.peer, "operation" => operation, "outcome" => outcome)
        .record(begun.elapsed());
    result
}

impl Call<'_> {
    async fn run(self) -> Result<Reply, OutboundError> {
        let mut failed: Option<OutboundError> = None;
        for attempt in 0.. {
            let failure = match self.attempt().await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            let pause = self.pause(attempt, &failure);
            tracing::warn!(
                peer = self.client.peer,
                operation = self.operation,
                attempt,
                outcome = failure.label(),
                again_in = ?pause,
                "call failed"
            );
            let worst = OutboundError::worse(failed.take(), failure);
            match pause {
                Some(pause) if self.wait(pause).await => failed = Some(worst),
                _ => return Err(worst),
            }
        }
        // The loop has no end of its own.
        Err(failed.unwrap_or(OutboundError::Timeout))
    }

    /// One attempt, with the breaker's leave.
    async fn attempt(&self) -> Result<Reply, OutboundError> {
        let permit = self.client.breaker.permit().map_err(OutboundError::Open)?;
        let mut request = self
            .request
            .try_clone()
            .ok_or(OutboundError::Request("the body is a stream"))?;
        if let Some(traceparent) = traceparent() {
            request
                .headers_mut()
                .insert(propagation::TRACEPARENT, traceparent);
        }
        let answered = tokio::time::timeout_at(self.deadline, attempt::run(self.client, request)).await;
        match answered.unwrap_or(Err(OutboundError::Timeout)) {
            Ok(reply) if reply.is_failure() => {
                permit.failed();
                Err(OutboundError::Status(Box::new(reply)))
            }
            Ok(reply) => {
                permit.succeeded();
                Ok(reply)
            }
            Err(error) => {
                permit.failed();
                Err(error)
            }
        }
    }

    /// How long to wait before the next attempt; None when there shall be none.
    fn pause(&self, attempt: u32, failure: &OutboundError) -> Option<Duration> {
        if attempt >= self.retries || !failure.is_transient() {
            return None;
        }
        let asked = failure.retry_after();
        let pause = asked
            .unwrap_or_else(|| backoff::pause(&self.client.config, attempt, &self.client.environment.random));
        // Coming back after the deadline helps nobody.
        (pause < self.deadline.saturating_duration_since(Instant::now())).then_some(pause)
    }

    /// Waits by the injected clock; false when the call's real time was over first.
    async fn wait(&self, pause: Duration) -> bool {
        metrics::counter!("outbound_retries_total", "peer" => self.client.peer).increment(1);
        tokio::time::timeout_at(self.deadline, self.client.environment.clock.sleep(pause))
            .await
            .is_ok()
    }
}

fn build(builder: reqwest::RequestBuilder) -> Result<Request, OutboundError> {
    // reqwest's text may quote the URL or a value.
    builder
        .build()
        .map_err(|_| OutboundError::Request("a header, query or body cannot be encoded"))
}

/// The call's own limit or the deadline of the work it belongs to, whichever is first.
fn deadline(begun: Instant, timeout: Duration) -> Instant {
    let own = begun + timeout;
    let callers = RequestContext::current().and_then(|scope| scope.deadline());
    callers.map_or(own, |deadline| own.min(deadline.for_next_hop().instant()))
}

/// The trace this work belongs to.
fn traceparent() -> Option<HeaderValue> {
    let of_scope = RequestContext::current().and_then(|scope| scope.traceparent());
    let traceparent = of_scope.or_else(|| propagation::to_traceparent(&propagation::of_current_span()?));
    HeaderValue::try_from(traceparent?).ok()
}
