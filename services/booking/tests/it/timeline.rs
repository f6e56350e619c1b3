//! `GetBookingTimeline`.

use carshare_proto::booking::v1::timeline_entry::Entry;
use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::notification::v1::{BookingNotification, SentNotification};
use carshare_proto::payment::v1::{BookingPaymentStep, PaymentStep, PaymentStepKind};
use carshare_service_testkit::with_metadata;
use tonic::Status;

use crate::harness::*;

impl Harness {
    async fn timeline(&self, person: Person, booking_id: &str) -> Result<BookingTimeline, Status> {
        let request = GetBookingTimelineRequest {
            booking_id: booking_id.to_owned(),
        };
        let mut client = self.client.clone();
        into_message(client.get_booking_timeline(self.request(person, request)).await)
    }

    fn admin(&self) -> Person {
        self.person("admin")
    }
}

/// Returns a line for each entry.
fn lines(timeline: &BookingTimeline) -> Vec<String> {
    let line = |entry: &TimelineEntry| match entry.entry.as_ref().unwrap() {
        Entry::StatusChange(change) => {
            let from = change.from_status.map(|_| change.from_status().as_str_name());
            let from = from.unwrap_or_default().trim_start_matches("BOOKING_STATUS_");
            let to = change
                .to_status()
                .as_str_name()
                .trim_start_matches("BOOKING_STATUS_");
            let actor = change.actor().as_str_name().trim_start_matches("BOOKING_ACTOR_");
            format!("{from}→{to} by {actor} {}", change.reason())
                .trim_end()
                .to_owned()
        }
        Entry::Payment(step) => format!("{} {}", step.kind().as_str_name(), step.amount),
        Entry::Notification(sent) => format!("{} to {}", sent.r#type, sent.user_id),
    };
    timeline.entries.iter().map(line).collect()
}

fn step(kind: PaymentStepKind, time: &str) -> BookingPaymentStep {
    BookingPaymentStep {
        step: Some(PaymentStep {
            kind: kind.into(),
            amount: 60_000,
            failure_code: None,
            charge_id: None,
        }),
        occurred_at: Some(timestamp(time)),
        correlation_id: Some("of-payment".into()),
        trace_id: None,
    }
}

fn sent(to: Person, event: &str, time: &str) -> BookingNotification {
    BookingNotification {
        notification: Some(SentNotification {
            user_id: to.id.to_string(),
            r#type: event.into(),
            ..SentNotification::default()
        }),
        created_at: Some(timestamp(time)),
        ..BookingNotification::default()
    }
}

#[tokio::test]
async fn timeline_merges_history_payment_and_notifications_by_time() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let request = harness.request(guest, input(&harness.car(host)));
    let request = with_metadata(request, "x-correlation-id", "asked-1");
    let booking = into_message(harness.client.clone().create_booking(request).await).unwrap();
    harness.clock.advance(hours(1));
    harness.approve(host, &booking.id).await.unwrap();
    harness.clock.advance(hours(1));
    harness.capture(&booking).await;
    harness.clock.advance(hours(1));
    harness.cancel(host, &booking.id).await.unwrap();
    harness.payment().steps = vec![
        step(PaymentStepKind::Due, "2026-11-22T13:00:01Z"),
        step(PaymentStepKind::Captured, "2026-11-22T13:59:59Z"),
    ];
    harness.notification().notifications = vec![
        sent(host, "booking.requested", "2026-11-22T12:00:01Z"),
        sent(guest, "booking.approved", "2026-11-22T13:00:02Z"),
    ];
    let (to_guest, to_host) = (
        format!("booking.approved to {}", guest.id),
        format!("booking.requested to {}", host.id),
    );
    let all = [
        "→PENDING by GUEST",
        &to_host,
        "PENDING→APPROVED by HOST",
        "PAYMENT_STEP_KIND_DUE 60000",
        &to_guest,
        "PAYMENT_STEP_KIND_CAPTURED 60000",
        "APPROVED→APPROVED by PAYMENT",
        "APPROVED→CANCELLED by HOST host",
    ];
    for (viewer, hidden) in [
        (guest, Some(&to_host)),
        (host, Some(&to_guest)),
        (harness.admin(), None),
    ] {
        let timeline = harness.timeline(viewer, &booking.id).await.unwrap();
        let mut expected: Vec<_> = all.iter().map(|line| (*line).to_owned()).collect();
        expected.retain(|line| Some(line) != hidden);
        assert_eq!(lines(&timeline), expected);
        assert_eq!(timeline.unreachable, [""; 0]);
    }
    let timeline = harness.timeline(guest, &booking.id).await.unwrap();
    let requested = &timeline.entries[0];
    assert_eq!(requested.correlation_id(), "asked-1");
    assert_eq!(requested.trace_id().len(), 32);
    let Some(Entry::StatusChange(change)) = &requested.entry else {
        panic!("{requested:?}")
    };
    assert_eq!(change.actor_id, Some(guest.id.to_string()));
    harness.finish().await;
}

#[tokio::test]
async fn timeline_names_the_services_that_do_not_answer() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    harness.payment().is_down = true;
    harness.notification().is_down = true;
    let timeline = harness.timeline(guest, &booking.id).await.unwrap();
    assert_eq!(timeline.unreachable, ["payment", "notification"]);
    assert_eq!(lines(&timeline), ["→PENDING by GUEST"]);
    harness.finish().await;
}

#[tokio::test]
async fn timeline_of_another_booking_or_of_an_invalid_id_is_refused() {
    let harness = Harness::start().await;
    let booking = harness
        .pending(harness.guest(), &harness.car(harness.host()))
        .await;
    for stranger in [harness.guest(), harness.host()] {
        let refused = harness.timeline(stranger, &booking.id).await;
        assert_reason(refused, ErrorReason::BookingNotFound);
    }
    let unknown = harness
        .timeline(harness.admin(), &uuid::Uuid::from_u128(1).to_string())
        .await;
    assert_reason(unknown, ErrorReason::BookingNotFound);
    let invalid = harness.timeline(harness.guest(), "x").await;
    let error = assert_reason(invalid, Common::InvalidArgument);
    assert_eq!(error.violations()[0].field, "booking_id");
    harness.finish().await;
}
