//! Descriptions of the service's metrics, for `/metrics`.

use metrics::{describe_counter, describe_gauge};

pub(crate) fn describe() {
    describe_counter!(
        "auth_password_hashes_total",
        "Computed password hashes, by purpose."
    );
    describe_counter!(
        "auth_password_hashes_refused_total",
        "Password hashes that were refused because too many waited, by purpose."
    );
    describe_counter!(
        "auth_mails_total",
        "Attempts to send a mail and mails that ended without one, by kind and outcome."
    );
    describe_counter!(
        "auth_refresh_tokens_reused_total",
        "Refresh tokens that were used twice, and may be stolen; their sessions are ended."
    );
    describe_counter!(
        "auth_audit_events_total",
        "Recorded security events, by action and outcome."
    );
    describe_counter!(
        "auth_logins_delayed_total",
        "Logins that were refused because earlier ones failed."
    );
    describe_gauge!("auth_revocations", "Revoked access tokens that have not expired.");
    describe_counter!(
        "auth_revocations_delayed_total",
        "Ended sessions whose revoked tokens could not be copied to Redis at once; a job copies them later."
    );
}
