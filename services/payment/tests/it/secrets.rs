//! Billing keys, auth keys and the API key are neither stored in plain text nor logged.

use carshare_sandbox::{Fault, Provider};

use crate::harness::*;
use crate::log_capture;

#[tokio::test]
async fn secrets_are_not_stored_in_plain_text_or_logged() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    // Errors, because they log the most.
    harness
        .sandbox
        .inject(Fault::refuse(Provider::Toss, "/v1/billing/bsbx"));
    harness
        .sandbox
        .inject(Fault::error(Provider::Toss, "/v1/payments/orders", 500));
    let booking = harness.approved(guest).await;
    harness.pass_time_until(&booking, "completed").await;

    let tables = harness
        .lines("SELECT tablename::text AS line FROM pg_tables WHERE schemaname = 'payment' ORDER BY 1")
        .await;
    assert!(tables.contains(&"payment_methods".to_owned()), "{tables:?}");
    for table in tables {
        let sql = format!(
            "SELECT coalesce(string_agg(encode(t::text::bytea, 'escape'), ' '), '') AS line FROM {table} t"
        );
        let text = harness.lines(&sql).await.remove(0);
        for secret in ["bsbx_", "asbx_", &hex::encode("bsbx_"), GOOD_CARD] {
            assert!(!text.contains(secret), "{secret} is in {table}");
        }
    }
    let logged = log_capture::text();
    // The capture works, at level debug.
    assert!(logged.contains("charge"), "{} bytes", logged.len());
    for secret in [
        "bsbx_",
        "asbx_",
        "test_sk_carshare_sandbox",
        GOOD_CARD,
        "AAECAwQFBgcICQoLDA0O",
    ] {
        let line = logged.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} was logged");
    }
    harness.finish().await;
}
