//! Descriptions of the metrics.

use metrics::{describe_counter, describe_gauge, describe_histogram};

pub(crate) fn describe() {
    describe_histogram!(
        "outbound_request_duration_seconds",
        "Duration of a call to a third party with all its retries, by outcome."
    );
    describe_counter!("outbound_retries_total", "Retries of calls to third parties.");
    describe_gauge!(
        "outbound_breaker_open",
        "1 while the circuit breaker refuses calls to a third party."
    );
}
