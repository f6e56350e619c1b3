//! What is measured here, in words.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// Says what each metric means, for `/metrics`.
pub(crate) fn describe() {
    describe_histogram!(
        "outbound_request_duration_seconds",
        "Time of a call to a third party with its repetitions, by outcome."
    );
    describe_counter!(
        "outbound_retries_total",
        "Calls to third parties that were sent again."
    );
    describe_gauge!(
        "outbound_breaker_open",
        "1 while calls to a third party are refused here after failures in a row."
    );
}
