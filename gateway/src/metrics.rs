//! Descriptions of the gateway's metrics.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// Registers them for `/metrics`.
pub(crate) fn describe() {
    describe_counter!(
        "edge_requests_total",
        "Requests by protocol, RPC and status: the gRPC code if there is one, else the HTTP status."
    );
    describe_histogram!(
        "edge_duration_seconds",
        "Seconds from the head of a request to the end of its response."
    );
    describe_gauge!("edge_in_flight", "Requests whose response has not ended.");
    describe_counter!(
        "edge_shed_total",
        "Requests refused by server.max_in_flight or limits.in_flight_by_class, when none of the others was still arriving."
    );
    describe_counter!(
        "edge_streams_refused_total",
        "Streams refused by edge.max_streams or edge.max_anonymous_streams."
    );
    describe_counter!("edge_panics_total", "Panics while a request was handled.");
    describe_counter!(
        "edge_limited_total",
        "Requests and connections refused by a limit, by budget."
    );
    describe_counter!(
        "edge_limit_fallback_total",
        "Calls counted in this process because Redis was unreachable."
    );
}
