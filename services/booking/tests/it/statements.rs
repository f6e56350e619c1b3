//! Exact numbers of statements: they keep the speed where time cannot be asserted.

use carshare_service_testkit::Instance;
use carshare_testkit::{Counts, PostgresMeter};

use crate::harness::*;

/// An instance without workers notifies those of others after its commits, those of a moment together.
const NOTIFICATION: usize = 1;

/// Asserts what the last of three requests of different guests costs; the first ones prepare the statements.
async fn assert_create(key: Option<&str>, expected: Counts) {
    let harness = Harness::start().await;
    let (instance, meter): (Instance, PostgresMeter) = harness.start_metered().await;
    let client = Client::new(instance.channel());
    let create = async || {
        let request = harness.request(harness.guest(), input(&harness.car(harness.host())));
        let request = match key {
            Some(key) => with_idempotency_key(request, key),
            None => request,
        };
        into_message(client.clone().create_booking(request).await).unwrap();
    };
    create().await;
    create().await;
    let ((), measured) = meter.measure(create()).await;
    measured.assert(expected);
    instance.stop().await;
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_is_two_statements_and_one_commit() {
    let expected = Counts {
        statements: 2 + NOTIFICATION,
        round_trips: 4 + NOTIFICATION,
        commits: 1,
    };
    assert_create(None, expected).await;
}

#[tokio::test]
async fn create_booking_with_a_key_is_three_statements_and_one_commit() {
    let expected = Counts {
        statements: 3 + NOTIFICATION,
        round_trips: 5 + NOTIFICATION,
        commits: 1,
    };
    assert_create(Some("key-1"), expected).await;
}
