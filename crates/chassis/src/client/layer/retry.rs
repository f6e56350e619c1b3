//! Policy of tower's retry. A call that was not sent is always sent again; one that the peer may have done only if the contract says
//! that it is safe to repeat or it carries an idempotency key.

use std::sync::Arc;
use std::time::Duration;

use http::Response;
use tokio::time::Sleep;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::retry::Policy;
use tower::retry::budget::{Budget as _, TpsBudget};

use super::ClientCall;
use crate::backoff::Backoff;
use crate::client::transport::{Failure, TransportError};
use crate::method_registry::Method;
use crate::random::Random;
use crate::rpc::IDEMPOTENCY_KEY;

/// Upper bound of the times a call is sent.
const ATTEMPTS: u32 = 3;
const BACKOFF: Backoff = Backoff {
    initial: Duration::from_millis(25),
    max: Duration::from_millis(50),
};
/// Retries are limited to a tenth of the calls of the last ten seconds and ten more, so that they help with a peer that fails now
/// and then and do not overload one that is down.
const BUDGET_WINDOW: Duration = Duration::from_secs(10);
const BUDGET_RESERVE_PER_SECOND: u32 = 1;
const BUDGET_SHARE: f32 = 0.1;

#[derive(Clone)]
pub struct RetryPolicy {
    budget: Arc<TpsBudget>,
    random: Random,
    /// Attempts of this call that have failed.
    failures: u32,
}

impl RetryPolicy {
    pub fn new(random: Random) -> Self {
        let budget = TpsBudget::new(BUDGET_WINDOW, BUDGET_RESERVE_PER_SECOND, BUDGET_SHARE);
        Self {
            budget: Arc::new(budget),
            random,
            failures: 0,
        }
    }
}

impl Policy<ClientCall, Response<Body>, TransportError> for RetryPolicy {
    type Future = Sleep;

    fn retry(
        &mut self,
        call: &mut ClientCall,
        result: &mut Result<Response<Body>, TransportError>,
    ) -> Option<Sleep> {
        let cause = cause(call, result).filter(|_| self.budget.withdraw())?;
        metrics::counter!("rpc_client_retries_total", "peer" => call.peer, "cause" => cause).increment(1);
        self.failures += 1;
        Some(tokio::time::sleep(BACKOFF.delay(self.failures, &self.random)))
    }

    fn clone_request(&mut self, call: &ClientCall) -> Option<ClientCall> {
        if self.failures == 0 {
            self.budget.deposit();
        }
        (self.failures + 1 < ATTEMPTS).then(|| call.try_clone())?
    }
}

/// Returns why the call is sent again, as the label of the metric; `None` when it must not be.
fn cause(call: &ClientCall, result: &Result<Response<Body>, TransportError>) -> Option<&'static str> {
    let of_contract = call.method.is_some_and(Method::is_safe_to_repeat);
    let is_safe = of_contract || call.head.headers.contains_key(IDEMPOTENCY_KEY);
    match result {
        Err(error) => match error.failure {
            Failure::NotSent => Some("never_sent"),
            Failure::Broken => is_safe.then_some("broken"),
            Failure::Late => None,
        },
        Ok(response) => {
            let status = Status::from_header_map(response.headers())?;
            // A peer that says when to repeat the call is not called before.
            let may_repeat = status.code() == Code::Unavailable && status.get_details_retry_info().is_none();
            (is_safe && may_repeat).then_some("unavailable")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::Instant;
    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::super::tests::call;
    use super::*;
    use crate::method_registry::find;

    /// Returns how often a call is sent to a service that always fails, and for how long.
    async fn attempts(
        call: ClientCall,
        fail: fn() -> Result<Response<Body>, TransportError>,
    ) -> (u32, Duration) {
        let (sent, started) = (AtomicU32::new(0), Instant::now());
        let service = ServiceBuilder::new()
            .retry(RetryPolicy::new(Random::seeded(1)))
            .service(service_fn(|_: ClientCall| {
                sent.fetch_add(1, Ordering::Relaxed);
                async move { fail() }
            }));
        let _ = service.oneshot(call).await;
        (sent.into_inner(), started.elapsed())
    }

    fn to(path: &str) -> ClientCall {
        ClientCall {
            method: find(path),
            ..call()
        }
    }

    const SAFE: &str = "/carshare.auth.v1.AuthService/GetMe";
    const UNSAFE: &str = "/carshare.auth.v1.AuthService/Login";

    const UNAVAILABLE: fn() -> Result<Response<Body>, TransportError> =
        || Ok(Status::unavailable("").into_http());

    fn failed(failure: Failure) -> TransportError {
        let cause = "reset".to_owned();
        TransportError { failure, cause }
    }

    #[tokio::test(start_paused = true)]
    async fn call_is_sent_three_times_where_that_is_safe() {
        for (path, fail, times) in [
            (SAFE, UNAVAILABLE, 3),
            (UNSAFE, UNAVAILABLE, 1),
            (SAFE, || Err(failed(Failure::Broken)), 3),
            (UNSAFE, || Err(failed(Failure::Broken)), 1),
            (UNSAFE, || Err(failed(Failure::NotSent)), 3),
            (SAFE, || Err(failed(Failure::Late)), 1),
            (SAFE, || Ok(Response::new(Body::empty())), 1),
            (SAFE, || Ok(Status::not_found("").into_http()), 1),
        ] {
            assert_eq!(attempts(to(path), fail).await.0, times, "{path}");
        }
        let mut with_key = to(UNSAFE);
        with_key
            .head
            .headers
            .insert(IDEMPOTENCY_KEY, "k".parse().unwrap());
        assert_eq!(attempts(with_key, UNAVAILABLE).await.0, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_wait_for_the_backoff() {
        let (_, elapsed) = attempts(to(SAFE), UNAVAILABLE).await;
        // Half of 25 ms and half of 50 ms are fixed; timers have a granularity of one millisecond.
        assert!((37..=77).contains(&elapsed.as_millis()), "{elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn stream_is_sent_once() {
        let stream = ClientCall {
            body: super::super::CallBody::Stream(Body::empty()),
            ..to(SAFE)
        };
        assert_eq!(attempts(stream, || Err(failed(Failure::NotSent))).await.0, 1);
    }

    #[test]
    fn retry_budget_allows_ten_retries_and_one_for_ten_calls() {
        let budget = RetryPolicy::new(Random::system()).budget;
        assert_eq!((0..20).filter(|_| budget.withdraw()).count(), 10);
        (0..9).for_each(|_| budget.deposit());
        assert!(!budget.withdraw());
        budget.deposit();
        assert!(budget.withdraw());
        assert!(!budget.withdraw());
    }
}
