//! Deletion of expired rows.

use std::time::Duration;

use carshare_testkit::eventually_true;
use uuid::Uuid;

use crate::harness::{Harness, TIMEOUT, harness};

const HOST: Uuid = Uuid::from_u128(0xB0);
const DAY: Duration = Duration::from_hours(24);

/// Waits until the table is empty. A run in progress when the clock moved is followed by one ten minutes later.
async fn until_empty(harness: &Harness, table: &str) {
    eventually_true(TIMEOUT, || async {
        harness.clock.advance(Duration::from_mins(10));
        harness.row_count(table).await == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_deleted_after_their_retention() {
    let harness = harness().await;
    harness
        .register_device(HOST, "sbx-phone")
        .await
        .expect("a device");
    harness.request_booking(HOST).await;
    harness.list_when(HOST, 1).await;
    let sent = "SELECT count(*) AS count FROM deliveries WHERE state = 'sent'";
    eventually_true(TIMEOUT, || async { harness.count(sent).await == 1 }).await;

    harness.clock.advance(DAY * 30);
    until_empty(&harness, "deliveries").await;
    assert_eq!(harness.row_count("notifications").await, 1);
    harness.clock.advance(DAY * 150);
    until_empty(&harness, "notifications").await;
    assert_eq!(
        (
            harness.row_count("devices").await,
            harness.row_count("feeds").await
        ),
        (1, 1)
    );
    harness.clock.advance(DAY * 90);
    until_empty(&harness, "devices").await;
    harness.stop().await;
}
