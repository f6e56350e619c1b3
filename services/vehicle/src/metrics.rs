//! What vehicle measures, in words.

use metrics::describe_counter;

/// Says what each metric means, for `/metrics`.
pub(crate) fn describe() {
    describe_counter!("holds_expired_total", "Holds that ended without a booking.");
}
