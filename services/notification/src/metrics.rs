//! Descriptions of the service's metrics, for `/metrics`.

use metrics::describe_counter;

pub(crate) fn describe() {
    describe_counter!("pushes_total", "Attempts to send a push, by outcome.");
}
