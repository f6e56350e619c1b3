//! The log of what clients asked, so that a test can say "exactly one charge reached Toss".

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::Provider;

/// Older records are forgotten: a sandbox may run for weeks.
const KEPT: usize = 10_000;

/// One request that reached a provider's own API (not the sandbox's private endpoints).
#[derive(Clone, Debug, Serialize)]
pub struct RequestRecord {
    /// Whom the client meant.
    pub provider: Provider,
    /// HTTP method.
    pub method: String,
    /// Path below the provider's prefix, such as `/v1/payments/confirm`.
    pub path: String,
    /// The `Idempotency-Key` header, when there was one.
    pub idempotency_key: Option<String>,
    /// The `traceparent` header, when there was one.
    pub traceparent: Option<String>,
    /// When it arrived.
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

    /// How many requests to `provider` had `path_contains` in their path.
    pub(crate) fn count(&self, provider: Provider, path_contains: &str) -> usize {
        self.0
            .iter()
            .filter(|r| r.provider == provider && r.path.contains(path_contains))
            .count()
    }
}
