//! What the chassis measures, in words.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// Says what each metric means, for `/metrics`.
pub(super) fn describe() {
    describe_counter!(
        "rpc_server_calls_total",
        "RPCs that were answered, by RPC and gRPC code."
    );
    describe_histogram!(
        "rpc_server_duration_seconds",
        "Time from the headers of an RPC to its last trailer; of a stream, its whole life."
    );
    describe_gauge!("rpc_server_in_flight", "RPCs that are being answered.");
    describe_counter!(
        "rpc_client_calls_total",
        "Calls to other services, by peer, RPC and gRPC code."
    );
    describe_counter!(
        "rpc_client_retries_total",
        "Calls to other services that were sent again, by peer and cause."
    );
    describe_counter!(
        "identity_revocation_unchecked_total",
        "Access tokens believed although the list of signed-out ones could not be read."
    );
    describe_counter!(
        "task_panics_total",
        "Background tasks that panicked: always a defect."
    );
}
