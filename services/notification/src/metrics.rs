//! What notification measures, in words.

use metrics::describe_counter;

/// Says what each metric means, for `/metrics`.
pub(crate) fn describe() {
    describe_counter!("pushes_total", "Pushes handed to FCM, by outcome.");
}
