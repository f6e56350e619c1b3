//! Descriptions of the service's metrics, for `/metrics`.

use metrics::{describe_counter, describe_gauge};

pub(crate) fn describe() {
    describe_counter!(
        "payment_attempts_total",
        "Ended attempts to capture a payment, by kind and outcome."
    );
    describe_counter!(
        "payment_refund_failures_total",
        "Failed calls for a refund, by kind of the provider's error."
    );
    describe_counter!(
        "payment_alarms_total",
        "Conditions that an operator has to resolve: foreign_amount, refund_stuck, our_fault, provider_difference."
    );
    describe_counter!(
        "payment_reconciliation_findings_total",
        "Payments for which a reconciliation found a capture or cancel at the provider that no webhook had reported."
    );
    describe_gauge!(
        "payment_in_flight",
        "Payments and refunds that are neither settled nor given back, by state, at the last measurement."
    );
    describe_gauge!(
        "payment_in_flight_krw",
        "Won that is neither settled nor given back, by state: due, unknown (charged, outcome unknown), captured (rental not ended), refund_due, refund_unknown."
    );
    describe_gauge!(
        "payment_reconciliation_lag_seconds",
        "How long the oldest due reconciliation has been waiting, at the last check."
    );
    describe_gauge!(
        "payment_unknown_oldest_seconds",
        "Age of the oldest charge or refund whose outcome is unknown, at the last check; 0 when there is none."
    );
    describe_gauge!(
        "payment_invariant_breaches",
        "Violated invariants of payments and ledger at the last check; expected to be 0."
    );
}
