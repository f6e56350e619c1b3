//! `StartBooking`, `CompleteBooking`, and the whole life of a booking.

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;

use crate::harness::*;

#[tokio::test]
async fn booking_passes_every_state_from_request_to_completion() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    let id = booking.id.as_str();
    assert_wrong_state(harness.start_booking(guest, id).await, "pending", "active");
    harness.approve(host, id).await.unwrap();
    assert_reason(harness.start_booking(guest, id).await, ErrorReason::NotPaid);
    harness.clock.advance(hours(1));
    harness.capture(&booking).await;
    let confirmed = harness.get(guest, id).await.unwrap();
    assert_eq!(
        (confirmed.status(), confirmed.payment_status()),
        (BookingStatus::Approved, PaymentStatus::Paid)
    );
    assert_eq!(confirmed.confirmed_at, Some(timestamp("2026-11-22T13:00:00Z")));
    assert_wrong_state(harness.complete(guest, id).await, "approved", "completed");
    harness.clock.set(at("2026-12-01T08:29:59Z"));
    assert_reason(harness.start_booking(guest, id).await, ErrorReason::TooEarly);
    harness.clock.set(at("2026-12-01T08:30:00Z"));
    for stranger in [harness.guest(), harness.host()] {
        assert_reason(
            harness.start_booking(stranger, id).await,
            ErrorReason::BookingNotFound,
        );
    }
    let active = harness.start_booking(guest, id).await.unwrap();
    assert_eq!(
        (active.status(), active.updated_at),
        (BookingStatus::Active, Some(timestamp("2026-12-01T08:30:00Z")))
    );
    assert_wrong_state(harness.start_booking(guest, id).await, "active", "active");
    assert_wrong_state(harness.cancel(guest, id).await, "active", "cancelled");
    assert_reason(
        harness.complete(harness.host(), id).await,
        ErrorReason::BookingNotFound,
    );
    assert_eq!(
        harness.complete(host, id).await.unwrap().status(),
        BookingStatus::Completed
    );
    assert_wrong_state(harness.complete(host, id).await, "completed", "completed");
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
async fn start_and_complete_booking_repeated_with_their_keys_return_the_same_reply() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    harness.clock.set(at("2026-12-01T09:00:00Z"));
    let start = || {
        with_idempotency_key(
            harness.request(
                guest,
                StartBookingRequest {
                    booking_id: booking.id.clone(),
                },
            ),
            "go-1",
        )
    };
    let mut client = harness.client.clone();
    let active = into_message(client.start_booking(start()).await).unwrap();
    let complete = || {
        with_idempotency_key(
            harness.request(
                host,
                CompleteBookingRequest {
                    booking_id: booking.id.clone(),
                },
            ),
            "done-1",
        )
    };
    let completed = into_message(client.complete_booking(complete()).await).unwrap();
    assert_eq!(into_message(client.start_booking(start()).await).unwrap(), active);
    assert_eq!(
        into_message(client.complete_booking(complete()).await).unwrap(),
        completed
    );
    harness.finish().await;
}

#[tokio::test]
async fn transition_of_an_unknown_or_invalid_id_is_refused() {
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
            harness.start_booking(guest, id).await,
            harness.complete(host, id).await,
        ];
        for answer in answers {
            match reason {
                None => drop(assert_reason(answer, ErrorReason::BookingNotFound)),
                Some(field) => assert_eq!(
                    assert_reason(answer, Common::InvalidArgument).violations()[0].field,
                    field
                ),
            }
        }
    }
    harness.finish().await;
}
