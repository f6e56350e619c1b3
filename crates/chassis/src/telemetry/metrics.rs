//! Descriptions of the metrics of this crate.

use metrics::{describe_counter, describe_gauge, describe_histogram};

pub(super) fn describe() {
    describe_counter!("rpc_server_calls_total", "Finished RPCs, by RPC and gRPC code.");
    describe_histogram!(
        "rpc_server_duration_seconds",
        "Time from the headers of an RPC to its last trailer; of a stream, its whole life."
    );
    describe_gauge!("rpc_server_in_flight", "RPCs that run.");
    describe_counter!(
        "rpc_client_calls_total",
        "Calls to other services, by peer, RPC and gRPC code."
    );
    describe_counter!(
        "rpc_client_retries_total",
        "Repeated calls to other services, by peer and cause."
    );
    describe_gauge!(
        "pool_in_use",
        "Places of a bounded pool that are taken, running and waiting ones, by pool."
    );
    describe_gauge!(
        "pool_capacity",
        "Places of a bounded pool: beyond them work is refused or waits, by pool."
    );
    describe_gauge!(
        "tls_certificate_expiry_seconds",
        "Unix time at which the certificate in use expires, by certificate; of mesh_authority, the last authority in tls.ca_path."
    );
    describe_counter!(
        "tls_reload_failures_total",
        "Attempts to replace a certificate that failed, by certificate: one each five seconds while its files are broken."
    );
    describe_counter!(
        "tls_handshake_failures_total",
        "TLS handshakes of clients that failed or timed out, by certificate of the server."
    );
    describe_counter!(
        "identity_revocation_unchecked_total",
        "Access tokens accepted while revocation could not be checked."
    );
    describe_counter!(
        "log_lines_dropped_total",
        "Log lines that were not written because stdout is read too slowly."
    );
    describe_counter!(
        "task_panics_total",
        "Background tasks, RPCs, jobs and event handlers that panicked: always a defect."
    );
}
