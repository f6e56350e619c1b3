//! What payment measures, in words.

use metrics::{describe_counter, describe_gauge};

/// Says what each metric means, for `/metrics`.
pub(crate) fn describe() {
    describe_counter!(
        "payment_attempts_total",
        "Attempts to get money, by kind and outcome."
    );
    describe_counter!(
        "payment_refund_refusals_total",
        "Refunds that the provider refused, by what that means."
    );
    describe_counter!(
        "payment_alarms_total",
        "What a person has to look at: a foreign amount, a refund that is stuck, a fault of ours."
    );
    describe_gauge!(
        "payment_unknown_oldest_seconds",
        "Age of the oldest charge or refund whose outcome the provider has not told, at the last check; 0 when there is none."
    );
    describe_gauge!(
        "payment_invariant_breaches",
        "Rules that the books break, at the last check: never more than 0."
    );
}
