//! What the gateway measures, in words.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// Says what each metric means, for `/metrics`.
pub(crate) fn describe() {
    describe_counter!(
        "edge_requests_total",
        "Requests by front, RPC and outcome: HTTP status, or gRPC code where the body tells one."
    );
    describe_histogram!(
        "edge_duration_seconds",
        "Time from the head of a request to the end of its answer; of a stream, its whole life."
    );
    describe_gauge!("edge_in_flight", "Requests whose answer is not over.");
    describe_counter!(
        "edge_shed_total",
        "Requests refused because too many were waiting."
    );
    describe_counter!(
        "edge_streams_refused_total",
        "Live streams refused because too many were open."
    );
    describe_counter!(
        "edge_panics_total",
        "Requests whose work panicked: always a defect."
    );
    describe_counter!(
        "edge_limited_total",
        "Requests refused by a rate limit, by budget."
    );
    describe_counter!(
        "edge_limit_fallback_total",
        "Rate limits counted in this process alone because Redis is away."
    );
}
