//! Money in flight by state, as the gauges show it.

use carshare_payment::store::in_flight;
use carshare_proto::booking::v1::PaymentStatus as Known;
use carshare_sandbox::{Fault, Provider};

use crate::harness::*;

/// The states with money in them: `state count won`.
async fn in_flight(harness: &Harness) -> Vec<String> {
    let rows = in_flight::list(harness.db.conn(), harness.clock.now())
        .await
        .unwrap();
    let mut lines: Vec<String> = rows
        .iter()
        .map(|row| {
            assert!(in_flight::STATES.contains(&row.state.as_str()), "{row:?}");
            format!("{} {} {}", row.state, row.count, row.krw)
        })
        .collect();
    lines.sort();
    lines
}

/// Waits until this is in flight.
async fn reaches(harness: &Harness, expected: &[&str]) {
    wait_until(|| async { in_flight(harness).await == expected }).await;
}

#[tokio::test]
async fn money_is_in_flight_from_the_charge_to_the_end_of_the_rental_or_the_refund() {
    let harness = Harness::start().await;
    assert_eq!(in_flight(&harness).await, Vec::<String>::new());
    let guest = harness.guest_with(GOOD_CARD).await;
    harness
        .sandbox
        .inject(Fault::lost_reply(Provider::Toss, "/v1/billing/bsbx"));
    let booking = harness.approved(guest).await;
    reaches(&harness, &["unknown 1 45000"]).await;
    harness.pass_time_until(&booking, "completed").await;
    reaches(&harness, &["captured 1 45000"]).await;

    harness
        .sandbox
        .inject(Fault::lost_reply(Provider::Toss, "/cancel"));
    harness.cancel(&booking, 20_000, Known::Paid).await;
    reaches(&harness, &["captured 1 45000", "refund_unknown 1 20000"]).await;
    harness.pass_time_until(&booking, "refunded").await;
    reaches(&harness, &[]).await;

    let kept = harness.approved(guest).await;
    harness.until(&kept, "completed").await;
    reaches(&harness, &["captured 1 45000"]).await;
    let ended = in_flight::list(harness.db.conn(), "2030-01-01T00:00:00Z".parse().unwrap()).await;
    assert_eq!(ended.unwrap(), []);
    harness.finish().await;
}
