//! What must not be found at rest or in logs: billing keys, the results of registration windows, our secret key.

use carshare_sandbox::{Fault, Provider};

use crate::bench::*;
use crate::logs;

#[tokio::test]
async fn no_billing_key_is_stored_in_plain_text_or_logged() {
    let bench = Bench::start().await;
    let guest = bench.guest_with(GOOD_CARD).await;
    // Errors are where secrets slip out.
    bench
        .sandbox
        .inject(Fault::refuse(Provider::Toss, "/v1/billing/bsbx"));
    bench
        .sandbox
        .inject(Fault::error(Provider::Toss, "/v1/payments/orders", 500));
    let booking = bench.approved(guest).await;
    bench.pass_time_until(&booking, "completed").await;

    let tables = bench
        .lines("SELECT tablename::text AS line FROM pg_tables WHERE schemaname = 'payment' ORDER BY 1")
        .await;
    assert!(tables.contains(&"payment_methods".to_owned()), "{tables:?}");
    for table in tables {
        let sql = format!(
            "SELECT coalesce(string_agg(encode(t::text::bytea, 'escape'), ' '), '') AS line FROM {table} t"
        );
        let text = bench.lines(&sql).await.remove(0);
        for secret in ["bsbx_", "asbx_", &hex::encode("bsbx_"), GOOD_CARD] {
            assert!(!text.contains(secret), "{secret} is in {table}");
        }
    }
    let logged = logs::all();
    // The log is there at all, and it is talkative.
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
    bench.finish().await;
}
