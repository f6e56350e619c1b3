//! Descriptions of the service's metrics, for `/metrics`.

use metrics::describe_counter;

pub(crate) fn describe() {
    describe_counter!("holds_expired_total", "Holds that expired without a booking.");
}
