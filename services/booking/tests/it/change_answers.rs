//! `AcceptBookingChange`, `DeclineBookingChange` and `WithdrawBookingChange`: who may answer, until when, and the hold of the car.

use std::time::Duration;

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::{ErrorReason as VehicleReason, Vehicle};
use futures::future::join_all;
use tonic::{Code, Status};

use crate::harness::*;
use crate::vehicle_stub::Replies;

const LATER: &str = "2026-12-01T15:00:00Z";

#[track_caller]
fn assert_closed(result: Result<BookingChange, Status>, status: &str) {
    let error = assert_reason(result, ErrorReason::ChangeClosed);
    assert_eq!(
        (error.spec().code.as_str(), error.metadata()["status"].as_str()),
        ("BOOKING052", status)
    );
}

/// Returns a confirmed booking from 09:00 to 13:00, and the guest's request to keep the car until 15:00.
async fn asked(harness: &mut Harness, guest: Person, host: Person) -> (Booking, BookingChange) {
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    let change = harness.ask_end(guest, &booking, LATER).await.unwrap();
    (booking, change)
}

#[tokio::test]
async fn change_is_answered_by_the_other_side_only() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (booking, change) = asked(&mut harness, guest, host).await;
    let error = assert_reason(harness.accept(guest, &change).await, ErrorReason::OwnChange);
    assert_eq!(error.spec().code, "BOOKING054");
    assert_reason(harness.decline(guest, &change).await, ErrorReason::OwnChange);
    let error = assert_reason(harness.withdraw(host, &change).await, ErrorReason::NotYourChange);
    assert_eq!(error.spec().code, "BOOKING055");
    for stranger in [harness.guest(), harness.host()] {
        for refused in [
            harness.accept(stranger, &change).await,
            harness.decline(stranger, &change).await,
            harness.withdraw(stranger, &change).await,
        ] {
            assert_reason(refused, ErrorReason::BookingNotFound);
        }
    }
    let admin = harness.accept(harness.person("admin"), &change).await;
    assert_eq!(admin.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(harness.change_of(host, &booking).await, change);
    assert_eq!(harness.vehicle().placed, [booking.id.as_str()]);
    harness.finish().await;
}

#[tokio::test]
async fn unknown_change_or_one_of_another_booking_is_not_found() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (_, change) = asked(&mut harness, guest, host).await;
    let car = harness.car(host);
    let other = harness.confirmed(harness.guest(), host, &car).await;
    let unknown = BookingChange {
        id: harness.guest().id.to_string(),
        ..change.clone()
    };
    let elsewhere = BookingChange {
        booking_id: other.id.clone(),
        ..change
    };
    for change in [unknown, elsewhere] {
        for refused in [
            harness.accept(host, &change).await,
            harness.decline(host, &change).await,
            harness.withdraw(host, &change).await,
        ] {
            let error = assert_reason(refused, ErrorReason::ChangeNotFound);
            assert_eq!(error.spec().code, "BOOKING050");
        }
    }
    harness.finish().await;
}

#[tokio::test]
async fn declined_or_withdrawn_change_leaves_the_booking_and_is_closed() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (booking, change) = asked(&mut harness, guest, host).await;
    let declined = harness.decline(host, &change).await.unwrap();
    let expected = BookingChange {
        status: BookingChangeStatus::Declined.into(),
        response: Some("다음 예약이 있어요".into()),
        ..change.clone()
    };
    assert_eq!(declined, expected);
    let second = harness.ask_end(host, &booking, LATER).await.unwrap();
    let withdrawn = harness.withdraw(host, &second).await.unwrap();
    assert_eq!(withdrawn.status(), BookingChangeStatus::Withdrawn);
    for (change, status) in [(&change, "declined"), (&second, "withdrawn")] {
        for person in [guest, host] {
            assert_closed(harness.accept(person, change).await, status);
            assert_closed(harness.decline(person, change).await, status);
            assert_closed(harness.withdraw(person, change).await, status);
        }
    }
    assert_eq!(harness.get(guest, &booking.id).await.unwrap(), booking);
    let closed: Vec<BookingChangeClosed> = harness.published().await;
    let facts = closed[0].change.clone().unwrap().change.unwrap();
    assert_eq!(
        (facts.id.as_str(), facts.status(), facts.response),
        (change.id.as_str(), BookingChangeStatus::Declined, None)
    );
    assert_eq!(closed.len(), 2);
    assert_eq!(
        harness.change_history(&booking).await,
        [
            "change_requested by guest",
            "change_declined by host",
            "change_requested by host",
            "change_withdrawn by host"
        ]
    );
    harness.assert_changes_agree().await;
    harness.finish().await;
}

#[tokio::test]
async fn change_at_respond_by_is_expired_before_the_timer_ran() {
    let mut harness =
        Harness::start_with(|config| config.booking.timer_period = Duration::from_hours(2_800)).await;
    let (guest, host) = (harness.guest(), harness.host());
    let (_, change) = asked(&mut harness, guest, host).await;
    harness.clock.set(at("2026-11-23T12:00:00Z"));
    assert_closed(harness.accept(host, &change).await, "expired");
    assert_closed(harness.decline(host, &change).await, "expired");
    assert_closed(harness.withdraw(guest, &change).await, "expired");
    harness.finish().await;
}

#[tokio::test]
async fn accept_repeated_is_closed_or_with_its_key_the_same_reply() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (_, change) = asked(&mut harness, guest, host).await;
    let accept = async |response: &str| {
        let input = AcceptBookingChangeRequest {
            booking_id: change.booking_id.clone(),
            change_id: change.id.clone(),
            response: Some(response.into()),
        };
        let request = with_idempotency_key(harness.request(host, input), "fine-1");
        into_message(harness.changes().accept_booking_change(request).await)
    };
    let first = accept("네").await.unwrap();
    assert_eq!(accept("네").await.unwrap(), first);
    assert_reason(accept("아니요").await, Common::IdempotencyKeyReused);
    assert_closed(harness.accept(host, &change).await, "awaiting_payment");
    assert_closed(harness.decline(host, &change).await, "awaiting_payment");
    assert_closed(harness.withdraw(guest, &change).await, "awaiting_payment");
    // The hold of the accepted change stays.
    assert!(harness.vehicle().released.is_empty());
    assert!(harness.vehicle().holds.contains_key(&change.id));
    harness.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_answers_one_applies() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (booking, change) = asked(&mut harness, guest, host).await;
    let answers = (0..9).map(|number| {
        let (harness, change) = (&harness, &change);
        async move {
            match number % 3 {
                0 => harness.accept(host, change).await,
                1 => harness.decline(host, change).await,
                _ => harness.withdraw(guest, change).await,
            }
        }
    });
    let answers = join_all(answers).await;
    let applied: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
    assert_eq!(applied.len(), 1);
    assert_eq!(&harness.change_of(host, &booking).await, applied[0]);
    harness.assert_changes_agree().await;
    harness.finish().await;
}

#[tokio::test]
async fn accept_without_the_car_is_refused_and_the_change_stays_open() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (booking, change) = asked(&mut harness, guest, host).await;
    let next = CreateBookingRequest {
        start_datetime: Some(timestamp("2026-12-01T14:00:00Z")),
        end_datetime: Some(timestamp("2026-12-01T18:00:00Z")),
        vehicle_id: booking.vehicle_id.clone(),
        ..Default::default()
    };
    let next = harness.create(harness.guest(), next).await.unwrap();
    assert_reason(harness.accept(host, &change).await, ErrorReason::SlotTaken);
    for refusal in [VehicleReason::VehicleClosed, VehicleReason::VehicleNotFound] {
        harness.vehicle().place_refusal = Some(refusal);
        assert_reason(harness.accept(host, &change).await, refusal);
    }
    harness.vehicle().place_refusal = None;
    assert_eq!(harness.change_of(host, &booking).await, change);
    harness.vehicle().holds.remove(&next.id);
    harness.accept(host, &change).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn accept_whose_hold_has_no_reply_is_repeated_with_the_same_hold() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (booking, change) = asked(&mut harness, guest, host).await;
    harness.vehicle().replies = Replies::Lost;
    assert_reason(harness.accept(host, &change).await, Common::Unavailable);
    assert_eq!(harness.change_of(host, &booking).await, change);
    harness.vehicle().replies = Replies::Delivered;
    let accepted = harness.accept(host, &change).await.unwrap();
    assert_eq!(accepted.status(), BookingChangeStatus::AwaitingPayment);
    harness.finish().await;
}

/// The other side has declined while the hold was placed, and vehicle has released the change for good.
#[tokio::test]
async fn accept_of_a_change_that_was_closed_meanwhile_says_so() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (_, change) = asked(&mut harness, guest, host).await;
    harness.vehicle().ended.insert(change.id.clone());
    assert_reason(harness.accept(host, &change).await, Common::Conflict);
    harness.withdraw(guest, &change).await.unwrap();
    assert_closed(harness.accept(host, &change).await, "withdrawn");
    harness.finish().await;
}

/// The hold of a live booking of the other car has expired: only the constraint of booking refuses.
#[tokio::test]
async fn swap_to_a_car_of_another_live_booking_is_refused_and_its_hold_released() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (car, other) = (harness.car(host), harness.car(host));
    let booking = harness.confirmed(guest, host, &car).await;
    harness.pending(harness.guest(), &other).await;
    harness.vehicle().holds.clear();
    let change = harness.ask_car(guest, &booking, &other).await.unwrap();
    assert_reason(harness.accept(host, &change).await, ErrorReason::SlotTaken);
    wait_until(|| async { harness.vehicle().released == [change.id.clone()] }).await;
    assert_eq!(harness.change_of(host, &booking).await, change);
    assert_eq!(harness.get(guest, &booking.id).await.unwrap(), booking);
    harness.finish().await;
}

#[tokio::test]
async fn swap_to_a_car_that_was_given_to_another_host_is_refused() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (car, other) = (harness.car(host), harness.car(host));
    let booking = harness.confirmed(guest, host, &car).await;
    let change = harness.ask_car(guest, &booking, &other).await.unwrap();
    let given = Vehicle {
        owner_id: harness.host().id.to_string(),
        ..other
    };
    harness.vehicle().cars.insert(given.id.clone(), given);
    assert_reason(
        harness.accept(host, &change).await,
        VehicleReason::VehicleNotFound,
    );
    wait_until(|| async { harness.vehicle().released == [change.id.clone()] }).await;
    harness.finish().await;
}
