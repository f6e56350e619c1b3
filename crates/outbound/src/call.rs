//! One call: attempts until one is answered, the retries are used up or the time is over.

use std::sync::Arc;
use std::time::Duration;

use carshare_chassis::request_context::RequestContext;
use carshare_chassis::trace_context;
use http::HeaderValue;
use reqwest::Request;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::attempt;
use crate::error::OutboundError;
use crate::reply::Reply;
use crate::shared::Shared;

/// A request and the limits of its attempts.
pub(crate) struct Call {
    pub(crate) client: Arc<Shared>,
    pub(crate) operation: &'static str,
    /// The request, or the reason why it cannot be built.
    pub(crate) request: Result<Request, OutboundError>,
    pub(crate) is_retryable: bool,
    pub(crate) timeout: Duration,
}

impl Call {
    /// Runs the call in its span and records its duration and outcome.
    pub(crate) async fn run(self) -> Result<Reply, OutboundError> {
        let (peer, operation) = (self.client.peer, self.operation);
        let span = tracing::info_span!(
            "outbound",
            otel.name = format!("outbound.{peer}.{operation}"),
            otel.kind = "client",
            peer,
            operation,
            outcome = tracing::field::Empty,
        );
        let begin = Instant::now();
        let result = self.attempts(begin).instrument(span.clone()).await;
        let outcome = result.as_ref().map_or_else(OutboundError::label, Reply::label);
        span.record("outcome", outcome);
        metrics::histogram!("outbound_request_duration_seconds", "peer" => peer, "operation" => operation, "outcome" => outcome)
            .record(begin.elapsed());
        result
    }

    async fn attempts(self, begin: Instant) -> Result<Reply, OutboundError> {
        let attempts = Attempts {
            client: &self.client,
            operation: self.operation,
            request: self.request?,
            retries: if self.is_retryable {
                self.client.config.max_retries
            } else {
                0
            },
            deadline: deadline(begin, self.timeout),
        };
        attempts.run().await
    }
}

struct Attempts<'a> {
    client: &'a Shared,
    operation: &'static str,
    request: Request,
    retries: u32,
    /// Real time: sockets do not follow an injected clock.
    deadline: Instant,
}

impl Attempts<'_> {
    async fn run(self) -> Result<Reply, OutboundError> {
        let mut earlier: Option<OutboundError> = None;
        for attempt in 0.. {
            let failure = match self.attempt().await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            let delay = self.retry_delay(attempt, &failure);
            tracing::warn!(
                peer = self.client.peer,
                operation = self.operation,
                attempt,
                outcome = failure.label(),
                retry_in = ?delay,
                "call failed"
            );
            let combined = OutboundError::combine(earlier.take(), failure);
            match delay {
                Some(delay) if self.wait(delay).await => earlier = Some(combined),
                _ => return Err(combined),
            }
        }
        // Unreachable: the loop ends by `return`.
        Err(earlier.unwrap_or(OutboundError::Timeout))
    }

    /// Makes one attempt, if the circuit breaker permits it.
    async fn attempt(&self) -> Result<Reply, OutboundError> {
        let permit = self.client.breaker.permit().map_err(OutboundError::Open)?;
        let mut request = self
            .request
            .try_clone()
            .ok_or(OutboundError::Request("the body is a stream"))?;
        if let Some(traceparent) = traceparent() {
            request
                .headers_mut()
                .insert(trace_context::TRACEPARENT, traceparent);
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

    /// Returns the delay before the next attempt; `None` if no further attempt is made.
    fn retry_delay(&self, attempt: u32, failure: &OutboundError) -> Option<Duration> {
        if attempt >= self.retries || !failure.is_transient() {
            return None;
        }
        let delay = failure.retry_after().unwrap_or_else(|| {
            self.client
                .config
                .retry_backoff()
                .delay(attempt + 1, &self.client.environment.random)
        });
        // An attempt after the deadline would be in vain.
        (delay < self.deadline.saturating_duration_since(Instant::now())).then_some(delay)
    }

    /// Waits by the injected clock; returns false when the call's real time is over first.
    async fn wait(&self, delay: Duration) -> bool {
        metrics::counter!("outbound_retries_total", "peer" => self.client.peer).increment(1);
        tokio::time::timeout_at(self.deadline, self.client.environment.clock.sleep(delay))
            .await
            .is_ok()
    }
}

/// Returns the call's own deadline or that of the RPC it belongs to, whichever is first.
fn deadline(begin: Instant, timeout: Duration) -> Instant {
    let own = begin + timeout;
    let callers = RequestContext::current().and_then(|context| context.deadline());
    callers.map_or(own, |deadline| own.min(deadline.for_next_hop().instant()))
}

/// Returns the trace context of the RPC or span this call belongs to.
fn traceparent() -> Option<HeaderValue> {
    let of_context = RequestContext::current().and_then(|context| context.traceparent());
    let traceparent =
        of_context.or_else(|| trace_context::to_traceparent(&trace_context::of_current_span()?));
    HeaderValue::try_from(traceparent?).ok()
}
