//! Cancellation policies: the platform's, those of hosts, and what a cancellation will refund.

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::Vehicle;
use futures::future::join_all;
use tonic::Code;

use crate::harness::*;

/// Hours, percent.
fn steps(policy: &CancellationPolicy) -> Vec<(i32, i32)> {
    policy
        .steps
        .iter()
        .map(|step| (step.hours_before_start, step.refund_percent))
        .collect()
}

#[tokio::test]
async fn policy_of_a_host_is_that_of_new_bookings_only() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    assert_eq!(harness.policy(host).await, platform_policy(None));
    let (before_car, car) = (harness.car(host), harness.car(host));
    let before = harness.confirmed(guest, host, &before_car).await;

    let set = harness
        .set_policy(host, &[(6, 100), (1, 95), (0, 90)])
        .await
        .unwrap();
    assert_eq!((set.version, set.is_host_policy), (1, true));
    assert_eq!(steps(&set), [(6, 100), (1, 95), (0, 90)]);
    assert_eq!(harness.policy(host).await, set);
    assert_eq!(harness.policy(harness.host()).await, platform_policy(None));

    let booking = harness.confirmed(guest, host, &car).await;
    let stored = booking.cancellation_policy.clone().unwrap();
    assert_eq!((steps(&stored), stored.version), (steps(&set), 1));
    assert_eq!(stored.steps[1].until, Some(timestamp("2026-12-01T08:00:00Z")));
    harness.set_policy(host, &[(0, 100)]).await.unwrap();

    harness.clock.set(at("2026-12-01T07:59:00Z"));
    let refund = async |id: &str| {
        let cancelled = harness.cancel(guest, id).await.unwrap();
        cancelled.cancellation.unwrap().refund_amount
    };
    assert_eq!(refund(&before.id).await, 54_000);
    assert_eq!(refund(&booking.id).await, 57_000);
    harness.finish().await;
}

#[tokio::test]
async fn policy_harsher_than_that_of_the_platform_is_refused() {
    let harness = Harness::start().await;
    let host = harness.host();
    for (steps, hours, percent) in [
        (&[(48, 100), (0, 95)][..], "24", "100"),
        (&[(24, 100), (1, 90)], "0", "90"),
        (&[(24, 100), (0, 89)], "0", "90"),
    ] {
        let refused = harness.set_policy(host, steps).await;
        let error = assert_reason(refused, ErrorReason::PolicyTooHarsh);
        assert_eq!(
            (
                error.metadata()["hours"].as_str(),
                error.metadata()["percent"].as_str()
            ),
            (hours, percent),
            "{steps:?}"
        );
    }
    for (wrong, field) in [
        (&[(24, 100), (24, 90)][..], "steps[1]"),
        (&[(24, 90), (0, 100)], "steps[1]"),
        (&[(24, 101)], "steps[0].refund_percent"),
        (&[(5, 100), (4, 99), (3, 98), (2, 97), (1, 96), (0, 95)], "steps"),
    ] {
        let error = assert_reason(harness.set_policy(host, wrong).await, Common::InvalidArgument);
        assert_eq!(error.violations()[0].field, field);
    }
    assert_eq!(harness.policy(host).await, platform_policy(None));
    let by_guest = harness.set_policy(harness.guest(), &[(0, 100)]).await;
    assert_eq!(by_guest.unwrap_err().code(), Code::PermissionDenied);
    harness.finish().await;
}

#[tokio::test]
async fn each_change_of_a_policy_is_a_version_and_no_steps_are_the_platforms() {
    let harness = Harness::start().await;
    let host = harness.host();
    let versions = "SELECT count(*) AS count FROM cancellation_policies";
    assert_eq!(
        harness.set_policy(host, &[]).await.unwrap(),
        platform_policy(None)
    );
    assert_eq!(harness.count(versions).await, 2);
    let first = harness.set_policy(host, &[(12, 100), (0, 90)]).await.unwrap();
    assert_eq!(
        harness.set_policy(host, &[(12, 100), (0, 90)]).await.unwrap(),
        first
    );
    assert_eq!(harness.count(versions).await, 3);
    assert_eq!(
        harness.set_policy(host, &[]).await.unwrap(),
        platform_policy(None)
    );
    let third = harness.set_policy(host, &[(12, 100), (0, 90)]).await.unwrap();
    assert_eq!((first.version, third.version), (1, 3));

    // A repeat with its key gets the first reply, though the policy has changed since then.
    let keyed = |percent| {
        let step = NewCancellationStep {
            hours_before_start: 0,
            refund_percent: percent,
        };
        let request = SetCancellationPolicyRequest { steps: vec![step] };
        let request = with_idempotency_key(harness.request(host, request), "key-1");
        let mut client = harness.client.clone();
        async move { into_message(client.set_cancellation_policy(request).await) }
    };
    let fourth = keyed(100).await.unwrap();
    harness.set_policy(host, &[]).await.unwrap();
    assert_eq!(keyed(100).await.unwrap(), fourth);
    assert_eq!(harness.policy(host).await, platform_policy(None));
    assert_reason(keyed(99).await, Common::IdempotencyKeyReused);
    harness.finish().await;
}

#[tokio::test]
async fn concurrent_changes_of_a_policy_have_versions_of_their_own() {
    let harness = Harness::start().await;
    let host = harness.host();
    let changes = (0..10).map(|hours| {
        let harness = &harness;
        async move {
            harness
                .set_policy(host, &[(hours, 100), (0, 99)][..=usize::from(hours > 0)])
                .await
        }
    });
    let mut versions: Vec<_> = join_all(changes)
        .await
        .into_iter()
        .map(|policy| policy.unwrap().version)
        .collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=10).collect::<Vec<_>>());
    assert_eq!(harness.policy(host).await.version, 10);
    harness.finish().await;
}

#[tokio::test]
async fn quote_cancellation_is_what_cancel_booking_refunds() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    harness.clock.set(at("2026-11-30T08:59:00Z"));
    let full = harness.quote_cancellation(guest, &booking.id).await.unwrap();
    let until = Some(timestamp("2026-11-30T09:00:00Z"));
    let expected = CancellationQuote {
        booking_id: booking.id.clone(),
        refund_amount: 60_000,
        kept_amount: 0,
        step: Some(CancellationStep {
            hours_before_start: 24,
            refund_percent: 100,
            until,
        }),
        valid_until: until,
        compensation_amount: 0,
    };
    assert_eq!(full, expected);
    assert_eq!(
        harness.quote_cancellation(guest, &booking.id).await.unwrap(),
        expected
    );

    harness.clock.set(at("2026-11-30T09:00:01Z"));
    let refused = harness.cancel_for(guest, &booking.id, full.refund_amount).await;
    let error = assert_reason(refused, ErrorReason::RefundChanged);
    assert_eq!(error.metadata()["refund_amount"], "54000");
    assert_eq!(harness.get(guest, &booking.id).await.unwrap(), booking);
    let later = harness.quote_cancellation(guest, &booking.id).await.unwrap();
    assert_eq!((later.refund_amount, later.kept_amount), (54_000, 6_000));
    let of_host = harness.quote_cancellation(host, &booking.id).await.unwrap();
    assert_eq!(
        (of_host.refund_amount, of_host.kept_amount, of_host.step),
        (60_000, 0, None)
    );
    assert_eq!(of_host.valid_until, booking.end_datetime);

    let cancelled = harness
        .cancel_for(guest, &booking.id, later.refund_amount)
        .await
        .unwrap();
    assert_eq!(cancelled.cancellation.unwrap().refund_amount, 54_000);
    assert_wrong_state(
        harness.quote_cancellation(guest, &booking.id).await,
        "cancelled",
        "cancelled",
    );
    for stranger in [harness.guest(), harness.host()] {
        let refused = harness.quote_cancellation(stranger, &booking.id).await;
        assert_reason(refused, ErrorReason::BookingNotFound);
    }
    harness.finish().await;
}

/// Returns the columns that the previous release reads: `full_until_s part_until_s part_bps`.
async fn refund_columns(harness: &Harness, booking: &Booking) -> String {
    let columns = "concat_ws(' ', refund_full_until_s, refund_part_until_s, refund_part_bps)";
    let sql = format!(
        "SELECT {columns} AS line FROM bookings WHERE id = '{}'",
        booking.id
    );
    harness.lines(&sql).await.remove(0)
}

/// What a booking looks like that the release before policies has inserted.
async fn as_of_previous_release(harness: &Harness, booking: &Booking) {
    let sql = format!(
        "UPDATE bookings SET price_lines = NULL, policy = NULL, refund_full_until_s = 86400, refund_part_until_s = 10800, \
         refund_part_bps = 5000 WHERE id = '{}'",
        booking.id
    );
    harness.execute(&sql).await;
}

#[tokio::test]
async fn booking_of_the_previous_release_keeps_its_terms() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car: Vehicle = harness.car(host);
    let booking = harness.pending(guest, &car).await;
    as_of_previous_release(&harness, &booking).await;
    let read = harness.get(guest, &booking.id).await.unwrap();
    assert_eq!(read.price_lines, booking.price_lines);
    let policy = read.cancellation_policy.unwrap();
    assert_eq!((policy.version, steps(&policy)), (1, vec![(24, 100), (3, 50)]));

    harness.approve(host, &booking.id).await.unwrap();
    harness.capture(&booking).await;
    assert_eq!(refund_columns(&harness, &booking).await, "86400 10800 5000");
    harness.clock.set(at("2026-12-01T06:00:00Z"));
    let cancelled = harness.cancel_for(guest, &booking.id, 30_000).await.unwrap();
    assert_eq!(cancelled.cancellation.unwrap().refund_amount, 30_000);
    harness.finish().await;
}

#[tokio::test]
async fn previous_release_reads_terms_that_favour_the_guest() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    for (policy, columns) in [
        (&[][..], "86400 0 9000"),
        (&[(0, 100)], "0 0 0"),
        (&[(6, 100), (1, 95), (0, 90)], "21600 0 9500"),
    ] {
        harness.set_policy(host, policy).await.unwrap();
        let booking = harness.pending(guest, &harness.car(host)).await;
        assert_eq!(refund_columns(&harness, &booking).await, columns);
    }
    harness.finish().await;
}
