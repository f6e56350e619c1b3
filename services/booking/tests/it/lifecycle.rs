//! `ApproveBooking`, `RejectBooking`, `StartBooking`, `CompleteBooking`: through the real server, with what they write and tell.

use std::time::Duration;

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use tonic::Code;

use crate::harness::*;

#[tokio::test]
async fn approve_booking_makes_the_money_due() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    harness.clock.advance(hours(1));
    let approval = ApproveBookingRequest {
        booking_id: booking.id.clone(),
        host_response: Some("환영합니다".into()),
    };
    let approved = only(
        harness
            .client
            .clone()
            .approve_booking(harness.by(host, approval))
            .await,
    )
    .unwrap();
    let expected = Booking {
        status: BookingStatus::Approved.into(),
        payment_status: PaymentStatus::Pending.into(),
        host_response: Some("환영합니다".into()),
        payment_due_at: Some(stamp("2026-11-22T15:00:00Z")),
        updated_at: Some(stamp("2026-11-22T13:00:00Z")),
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
async fn approve_booking_twice_is_a_wrong_state_and_under_one_key_the_same_answer() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    let approval = |response: &str| {
        let approval = ApproveBookingRequest {
            booking_id: booking.id.clone(),
            host_response: Some(response.into()),
        };
        keyed(harness.by(host, approval), "yes-1")
    };
    let mut client = harness.client.clone();
    let first = only(client.approve_booking(approval("네")).await).unwrap();
    harness.clock.advance(hours(1));
    assert_eq!(only(client.approve_booking(approval("네")).await).unwrap(), first);
    refused(
        only(client.approve_booking(approval("아니요")).await),
        Common::IdempotencyKeyReused,
    );
    wrong_state(harness.approve(host, &booking.id).await, "approved", "approved");
    assert_eq!(
        harness.events(&booking).await,
        ["booking.requested", "booking.approved"]
    );
    harness.finish().await;
}

#[tokio::test]
async fn answering_is_for_the_host_of_the_booking() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    let stranger = harness.host();
    refused(
        harness.approve(stranger, &booking.id).await,
        ErrorReason::BookingNotFound,
    );
    refused(
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
    // The same account with the other role is not the host either.
    let as_host = Person {
        role: "host",
        ..guest
    };
    refused(
        harness.approve(as_host, &booking.id).await,
        ErrorReason::BookingNotFound,
    );
    assert_eq!(harness.get(guest, &booking.id).await.unwrap(), booking);
    harness.finish().await;
}

#[tokio::test]
async fn approve_booking_at_respond_by_comes_too_late() {
    // A timer that does not come by itself: the answer and the timer meet in any order.
    let harness =
        Harness::start_with(|config| config.booking.timer_period = Duration::from_hours(2_800)).await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    harness.clock.set(at("2026-11-23T12:00:00Z"));
    wrong_state(harness.approve(host, &booking.id).await, "cancelled", "approved");
    harness.finish().await;
}

#[tokio::test]
async fn reject_booking_is_final() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    let rejection = || {
        let no = RejectBookingRequest {
            booking_id: booking.id.clone(),
            host_response: Some("정비 중입니다".into()),
        };
        keyed(harness.by(host, no), "no-1")
    };
    let rejected = only(harness.client.clone().reject_booking(rejection()).await).unwrap();
    let expected = Booking {
        status: BookingStatus::Rejected.into(),
        host_response: Some("정비 중입니다".into()),
        ..booking.clone()
    };
    assert_eq!(rejected, expected);
    assert_eq!(
        only(harness.client.clone().reject_booking(rejection()).await).unwrap(),
        expected
    );
    let events: BookingRejected = harness.event().await;
    assert_eq!(
        (events.booking_id.as_str(), events.host_response.as_deref()),
        (&*booking.id, Some("정비 중입니다"))
    );
    wrong_state(harness.reject(host, &booking.id).await, "rejected", "rejected");
    wrong_state(harness.approve(host, &booking.id).await, "rejected", "approved");
    wrong_state(harness.cancel(guest, &booking.id).await, "rejected", "cancelled");
    wrong_state(harness.begin(guest, &booking.id).await, "rejected", "active");
    wrong_state(
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

#[tokio::test]
async fn a_rental_from_request_to_return() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    wrong_state(harness.begin(guest, &booking.id).await, "pending", "active");
    harness.approve(host, &booking.id).await.unwrap();
    refused(harness.begin(guest, &booking.id).await, ErrorReason::NotPaid);
    harness.clock.advance(hours(1));
    harness.paid(&booking).await;
    let confirmed = harness.get(guest, &booking.id).await.unwrap();
    assert_eq!(
        (confirmed.status(), confirmed.payment_status()),
        (BookingStatus::Approved, PaymentStatus::Paid)
    );
    assert_eq!(confirmed.confirmed_at, Some(stamp("2026-11-22T13:00:00Z")));
    wrong_state(
        harness.complete(guest, &booking.id).await,
        "approved",
        "completed",
    );
    harness.clock.set(at("2026-12-01T08:29:59Z"));
    refused(harness.begin(guest, &booking.id).await, ErrorReason::TooEarly);
    harness.clock.set(at("2026-12-01T08:30:00Z"));
    for stranger in [harness.guest(), harness.host()] {
        refused(
            harness.begin(stranger, &booking.id).await,
            ErrorReason::BookingNotFound,
        );
    }
    let active = harness.begin(guest, &booking.id).await.unwrap();
    assert_eq!(
        (active.status(), active.updated_at),
        (BookingStatus::Active, Some(stamp("2026-12-01T08:30:00Z")))
    );
    wrong_state(harness.begin(guest, &booking.id).await, "active", "active");
    wrong_state(harness.cancel(guest, &booking.id).await, "active", "cancelled");
    refused(
        harness.complete(harness.host(), &booking.id).await,
        ErrorReason::BookingNotFound,
    );
    assert_eq!(
        harness.complete(host, &booking.id).await.unwrap().status(),
        BookingStatus::Completed
    );
    wrong_state(
        harness.complete(host, &booking.id).await,
        "completed",
        "completed",
    );
    let events =
        ["requested", "approved", "confirmed", "started", "completed"].map(|what| format!("booking.{what}"));
    assert_eq!(harness.events(&booking).await, events);
    let history = [
        "→pending none by guest",
        "pending→approved pending by host",
        "approved→approved paid by payment",
        "approved→active paid by guest",
        "active→completed paid by host",
    ];
    assert_eq!(harness.history(&booking).await, history);
    harness.finish().await;
}

#[tokio::test]
async fn start_and_complete_repeated_under_their_keys_answer_the_same() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    harness.clock.set(at("2026-12-01T09:00:00Z"));
    let start = || {
        keyed(
            harness.by(
                guest,
                StartBookingRequest {
                    booking_id: booking.id.clone(),
                },
            ),
            "go-1",
        )
    };
    let mut client = harness.client.clone();
    let active = only(client.start_booking(start()).await).unwrap();
    let complete = || {
        keyed(
            harness.by(
                host,
                CompleteBookingRequest {
                    booking_id: booking.id.clone(),
                },
            ),
            "done-1",
        )
    };
    let completed = only(client.complete_booking(complete()).await).unwrap();
    assert_eq!(only(client.start_booking(start()).await).unwrap(), active);
    assert_eq!(
        only(client.complete_booking(complete()).await).unwrap(),
        completed
    );
    harness.finish().await;
}

#[tokio::test]
async fn transitions_of_nothing_are_not_found_and_ids_are_checked() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    for (id, reason) in [
        ("00000000-0000-7000-8000-000000000000", None),
        ("", Some("booking_id")),
    ] {
        let answers = [
            harness.approve(host, id).await,
            harness.reject(host, id).await,
            harness.cancel(guest, id).await,
            harness.begin(guest, id).await,
            harness.complete(host, id).await,
        ];
        for answer in answers {
            match reason {
                None => drop(refused(answer, ErrorReason::BookingNotFound)),
                Some(field) => assert_eq!(
                    refused(answer, Common::InvalidArgument).violations()[0].field,
                    field
                ),
            }
        }
    }
    harness.finish().await;
}
