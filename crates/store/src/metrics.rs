//! Descriptions of this crate's metrics.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// Registers the descriptions that `/metrics` shows.
pub(crate) fn describe() {
    describe_histogram!(
        "db_transaction_seconds",
        "Time of a named transaction with its repetitions, by outcome."
    );
    describe_counter!(
        "db_transaction_retries_total",
        "Transactions that were tried again, by name and reason."
    );
    describe_gauge!(
        "db_connections",
        "Connections of the pool, by state; seen after each transaction."
    );
    describe_counter!(
        "idempotent_repeats_total",
        "Calls answered with the reply kept for their idempotency key."
    );
    describe_gauge!(
        "outbox_oldest_seconds",
        "Age of the oldest event that is not sent yet; 0 when all are."
    );
    describe_counter!("outbox_sent_total", "Events sent to Redis, by name.");
    describe_counter!(
        "outbox_sent_again_total",
        "Events sent again because Redis had lost them."
    );
    describe_counter!(
        "outbox_failures_total",
        "Rounds of the relay that failed: PostgreSQL or Redis is unreachable."
    );
    describe_counter!(
        "events_handled_total",
        "Events by name and outcome: handled, repeated, failed."
    );
    describe_histogram!(
        "event_age_seconds",
        "Time from the publishing of an event to its effect here."
    );
    describe_counter!(
        "events_dead_total",
        "Events given up and put among the dead letters: always worth a look."
    );
    describe_counter!(
        "consumer_failures_total",
        "Sessions of the consumer that broke: PostgreSQL or Redis is unreachable."
    );
    describe_counter!("job_runs_total", "Runs of background jobs, by outcome.");
    describe_histogram!("job_seconds", "Time of a run of a background job.");
    describe_counter!("housekeeping_removed_total", "Expired rows removed, by table.");
}
