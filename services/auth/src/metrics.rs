//! What auth measures, in words.

use metrics::{describe_counter, describe_gauge};

/// Says what each metric means, for `/metrics`.
pub(crate) fn describe() {
    describe_counter!("auth_password_hashes_total", "Passwords hashed, by purpose.");
    describe_counter!(
        "auth_refresh_tokens_reused_total",
        "Refresh tokens that came twice: somebody else may have one; the session is ended."
    );
    describe_gauge!(
        "auth_revocations",
        "Signed-out access tokens that have not run out by themselves."
    );
    describe_counter!(
        "auth_revocations_delayed_total",
        "Sign-outs that Redis did not take at once; a job copies them later."
    );
}
