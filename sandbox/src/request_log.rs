//! Log of the requests to the providers, for assertions such as "exactly one charge reached Toss".

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::Provider;

/// Upper bound of records; the oldest are dropped, because a sandbox may run for weeks.
const KEPT: usize = 10_000;

/// Request to a provider's API. Requests to the sandbox's own endpoints are not recorded.
#[derive(Clone, Debug, Serialize)]
pub struct RequestRecord {
    /// Provider that the request was sent to.
    pub provider: Provider,
    /// HTTP method of the request.
    pub method: String,
    /// Path below the provider's prefix, such as `/v1/payments/confirm`.
    pub path: String,
    /// Value of the `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
    /// Value of the `traceparent` header.
    pub traceparent: Option<String>,
    /// Time of arrival, by the sandbox's clock.
    pub at: DateTime<Utc>,
}

/// A bounded list of records, oldest first.
#[derive(Debug, Default)]
pub(crate) struct RequestLog(VecDeque<RequestRecord>);

impl RequestLog {
    pub(crate) fn push(&mut self, record: RequestRecord) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(record);
    }

    pub(crate) fn list(&self) -> Vec<RequestRecord> {
        self.0.iter().cloned().collect()
    }

    /// Returns the number of requests to `provider` with `path_contains` in their path.
    pub(crate) fn count(&self, provider: Provider, path_contains: &str) -> usize {
        self.0
            .iter()
            .filter(|r| r.provider == provider && r.path.contains(path_contains))
            .count()
    }
}
