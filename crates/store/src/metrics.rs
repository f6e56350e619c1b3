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
        "Open connections of the pools, idle ones included; pool_in_use has those that work."
    );
    describe_histogram!(
        "db_acquire_seconds",
        "Time until a transaction or statement had a connection of the pool; with failures, which take two seconds by default."
    );
    describe_counter!(
        "idempotent_repeats_total",
        "Calls answered with the reply kept for their idempotency key."
    );
    describe_events();
    describe_gauge!(
        "clock_skew_seconds",
        "How far the machine's clock is ahead of PostgreSQL's."
    );
    describe_counter!("job_runs_total", "Runs of background jobs, by outcome.");
    describe_histogram!("job_seconds", "Time of a run of a background job.");
    describe_gauge!(
        "job_overdue_seconds",
        "How long the oldest due run or row of a job has waited for a worker; 0 when none is due."
    );
    describe_counter!("housekeeping_removed_total", "Expired rows removed, by table.");
}

/// Describes the metrics of publishing and consuming events.
fn describe_events() {
    describe_gauge!(
        "outbox_oldest_seconds",
        "Age of the oldest event that has no position in the log yet; 0 when all have."
    );
    describe_counter!(
        "outbox_sent_total",
        "Events that got their position in the log, by name."
    );
    describe_counter!(
        "outbox_failures_total",
        "Rounds of the relay that failed: PostgreSQL is unreachable."
    );
    describe_counter!(
        "outbox_stream_failures_total",
        "Batches that were not appended to the stream: Redis is unreachable, consumers read the log instead."
    );
    describe_gauge!(
        "event_log_lag",
        "Positions of a publisher's log that the group has not stored yet, by source."
    );
    describe_counter!(
        "event_log_failures_total",
        "Failed attempts to read a publisher's log or to store what was read, by source."
    );
    describe_counter!(
        "events_handled_total",
        "Events by name and outcome: handled, failed."
    );
    describe_counter!(
        "events_unreadable_total",
        "Stream entries that could not be decoded; their events are read from the log."
    );
    describe_histogram!(
        "event_age_seconds",
        "Time from the publishing of an event to its effect here."
    );
    describe_counter!(
        "events_dead_total",
        "Events that exhausted their attempts and became dead letters: always worth a look."
    );
    describe_gauge!(
        "inbox_events",
        "Filed events by state: waiting, dead, gap (the predecessor has been missing for ten seconds)."
    );
    describe_gauge!(
        "inbox_oldest_seconds",
        "Age of the oldest filed event; 0 when there is none."
    );
    describe_counter!(
        "consumer_failures_total",
        "Sessions with Redis that broke; events are read from the log meanwhile."
    );
}
