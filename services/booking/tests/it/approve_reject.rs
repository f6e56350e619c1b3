//! `ApproveBooking` and `RejectBooking`: stored state, published events, callers and idempotency keys.

use std::time::Duration;

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use tonic::Code;

use crate::harness::*;

#[tokio::test]
async fn approve_booking_sets_the_payment_due_time() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.pending(guest, &car).await;
    harness.clock.advance(hours(1));
    let approval = ApproveBookingRequest {
        booking_id: booking.id.clone(),
        host_response: Some("환영합니다".into()),
    };
    let approved = into_message(
        harness
            .client
            .clone()
            .approve_booking(harness.request(host, approval))
            .await,
    )
    .unwrap();
    let expected = Booking {
        status: BookingStatus::Approved.into(),
        payment_status: PaymentStatus::Pending.into(),
        host_response: Some("환영합니다".into()),
        payment_due_at: Some(timestamp("2026-11-22T15:00:00Z")),
        updated_at: Some(timestamp("2026-11-22T13:00:00Z")),
        vehicle: Some(car),
        ..booking.clone()
    };
    assert_eq!(approved, expected);
    assert_eq!(harness.get(guest, &booking.id).await.unwrap(), expected);
    let requested: BookingRequested = harness.event().await;
    let events: BookingApproved = harness.event().await;
    let expected_event = BookingApproved {
        booking_id: booking.id.clone(),
        booking: requested.booking,
        host_response: expected.host_response,
        payment_due_at: expected.payment_due_at,
    };
    assert_eq!(events, expected_event);
    assert_eq!(
        harness.history(&booking).await,
        ["→pending none by guest", "pending→approved pending by host"]
    );
    harness.finish().await;
}

#[tokio::test]
async fn approve_booking_repeated_returns_wrong_state_or_with_its_key_the_same_reply() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    let approval = |response: &str| {
        let approval = ApproveBookingRequest {
            booking_id: booking.id.clone(),
            host_response: Some(response.into()),
        };
        with_idempotency_key(harness.request(host, approval), "yes-1")
    };
    let mut client = harness.client.clone();
    let first = into_message(client.approve_booking(approval("네")).await).unwrap();
    harness.clock.advance(hours(1));
    assert_eq!(
        into_message(client.approve_booking(approval("네")).await).unwrap(),
        first
    );
    assert_reason(
        into_message(client.approve_booking(approval("아니요")).await),
        Common::IdempotencyKeyReused,
    );
    assert_wrong_state(harness.approve(host, &booking.id).await, "approved", "approved");
    assert_eq!(
        harness.events(&booking).await,
        ["booking.requested", "booking.approved"]
    );
    harness.finish().await;
}

#[tokio::test]
async fn approve_and_reject_booking_by_another_user_are_refused() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    let stranger = harness.host();
    assert_reason(
        harness.approve(stranger, &booking.id).await,
        ErrorReason::BookingNotFound,
    );
    assert_reason(
        harness.reject(stranger, &booking.id).await,
        ErrorReason::BookingNotFound,
    );
    for person in [guest, harness.person("admin")] {
        assert_eq!(
            harness.approve(person, &booking.id).await.unwrap_err().code(),
            Code::PermissionDenied
        );
        assert_eq!(
            harness.reject(person, &booking.id).await.unwrap_err().code(),
            Code::PermissionDenied
        );
    }
    // The guest with a host token is not the host of the booking.
    let as_host = Person {
        role: "host",
        ..guest
    };
    assert_reason(
        harness.approve(as_host, &booking.id).await,
        ErrorReason::BookingNotFound,
    );
    assert_eq!(harness.get(guest, &booking.id).await.unwrap(), booking);
    harness.finish().await;
}

#[tokio::test]
async fn approve_booking_at_respond_by_returns_wrong_state() {
    // The timer never runs, so that the reply depends on `respond_by` alone.
    let harness =
        Harness::start_with(|config| config.booking.timer_period = Duration::from_hours(2_800)).await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    harness.clock.set(at("2026-11-23T12:00:00Z"));
    assert_wrong_state(harness.approve(host, &booking.id).await, "cancelled", "approved");
    harness.finish().await;
}

#[tokio::test]
async fn rejected_booking_refuses_every_transition() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.pending(guest, &car).await;
    let rejection = || {
        let rejection = RejectBookingRequest {
            booking_id: booking.id.clone(),
            host_response: Some("정비 중입니다".into()),
        };
        with_idempotency_key(harness.request(host, rejection), "no-1")
    };
    let rejected = into_message(harness.client.clone().reject_booking(rejection()).await).unwrap();
    let expected = Booking {
        status: BookingStatus::Rejected.into(),
        host_response: Some("정비 중입니다".into()),
        vehicle: Some(car),
        ..booking.clone()
    };
    assert_eq!(rejected, expected);
    assert_eq!(
        into_message(harness.client.clone().reject_booking(rejection()).await).unwrap(),
        expected
    );
    let events: BookingRejected = harness.event().await;
    assert_eq!(
        (events.booking_id.as_str(), events.host_response.as_deref()),
        (&*booking.id, Some("정비 중입니다"))
    );
    assert_wrong_state(harness.reject(host, &booking.id).await, "rejected", "rejected");
    assert_wrong_state(harness.approve(host, &booking.id).await, "rejected", "approved");
    assert_wrong_state(harness.cancel(guest, &booking.id).await, "rejected", "cancelled");
    assert_wrong_state(
        harness.start_booking(guest, &booking.id).await,
        "rejected",
        "active",
    );
    assert_wrong_state(
        harness.complete(guest, &booking.id).await,
        "rejected",
        "completed",
    );
    assert_eq!(
        harness.history(&booking).await,
        ["→pending none by guest", "pending→rejected none by host"]
    );
    harness.finish().await;
}
