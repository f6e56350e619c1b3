//! `CreateBooking`: what is held, what is written, what is events, and what becomes of it when something breaks in between.

use std::time::Duration;

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::ErrorReason as VehicleReason;
use prost_types::Timestamp;
use tonic::Code;

use crate::harness::*;
use crate::peers::Answers;

#[tokio::test]
async fn create_booking_writes_the_terms_of_the_moment_and_tells() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.pending(guest, &car).await;
    let expected = Booking {
        id: booking.id.clone(),
        vehicle_id: car.id.clone(),
        guest_id: guest.id.to_string(),
        host_id: host.id.to_string(),
        vehicle: Some(car.clone()),
        guest: booking.guest.clone(),
        start_datetime: Some(stamp("2026-12-01T09:00:00Z")),
        end_datetime: Some(stamp("2026-12-01T13:00:00Z")),
        total_amount: 60_000,
        platform_fee: 9_000,
        status: BookingStatus::Pending.into(),
        payment_status: PaymentStatus::None.into(),
        guest_message: Some("잘 타겠습니다".into()),
        host_response: None,
        respond_by: Some(stamp("2026-11-23T12:00:00Z")),
        payment_due_at: None,
        confirmed_at: None,
        cancellation: None,
        created_at: Some(stamp("2026-11-22T12:00:00Z")),
        updated_at: Some(stamp("2026-11-22T12:00:00Z")),
    };
    assert_eq!(booking, expected);
    assert_eq!(harness.vehicles.garage().placed, [booking.id.as_str()]);

    // Later prices of the car do not touch it.
    harness
        .vehicles
        .garage()
        .cars
        .get_mut(&car.id)
        .unwrap()
        .hourly_rate = 99_000;
    assert_eq!(harness.get(guest, &booking.id).await.unwrap(), expected);

    let events: BookingRequested = harness.event().await;
    let facts = BookingFacts {
        booking_id: booking.id.clone(),
        vehicle_id: car.id.clone(),
        guest_id: guest.id.to_string(),
        host_id: host.id.to_string(),
        vehicle_title: "현대 아이오닉 5".into(),
        start_datetime: expected.start_datetime,
        end_datetime: expected.end_datetime,
        total_amount: 60_000,
        platform_fee: 9_000,
    };
    let expected_event = BookingRequested {
        booking_id: booking.id.clone(),
        booking: Some(facts),
        guest_message: expected.guest_message,
        respond_by: expected.respond_by,
    };
    assert_eq!(events, expected_event);
    assert_eq!(harness.history(&booking).await, ["→pending none by guest"]);
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_repeated_under_its_key_is_the_same_booking() {
    let harness = Harness::start().await;
    let guest = harness.guest();
    let car = harness.car(harness.host());
    let again = || keyed(harness.by(guest, input(&car)), "key-1");
    let first = only(harness.client.clone().create_booking(again()).await).unwrap();
    // Also when the slot is gone or the start is past by now: the answer was given.
    harness.vehicles.garage().refusal = Some(VehicleReason::VehicleUnavailable);
    let second = only(harness.client.clone().create_booking(again()).await).unwrap();
    assert_eq!(second, first);
    assert_eq!(harness.vehicles.garage().placed, [first.id.as_str()]);
    assert_eq!(
        (harness.bookings().await, harness.events(&first).await),
        (1, vec!["booking.requested".to_owned()])
    );
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_under_a_key_of_another_request_is_refused_and_holds_nothing() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (car, other) = (harness.car(host), harness.car(host));
    let mut client = harness.client.clone();
    let first = only(
        client
            .create_booking(keyed(harness.by(guest, input(&car)), "key-1"))
            .await,
    )
    .unwrap();
    let second = only(
        client
            .create_booking(keyed(harness.by(guest, input(&other)), "key-1"))
            .await,
    );
    refused(second, Common::IdempotencyKeyReused);
    assert_eq!(harness.vehicles.garage().placed, [first.id]);
    // A key is the caller's own.
    let stranger = harness.guest();
    only(
        client
            .create_booking(keyed(harness.by(stranger, input(&other)), "key-1"))
            .await,
    )
    .unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_of_a_taken_slot_is_slot_taken_and_stores_nothing() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host());
    harness.pending(harness.guest(), &car).await;
    let overlapping = CreateBookingRequest {
        start_datetime: Some(stamp("2026-12-01T12:59:00Z")),
        end_datetime: Some(stamp("2026-12-01T14:00:00Z")),
        ..input(&car)
    };
    let error = refused(
        harness.create(harness.guest(), overlapping).await,
        ErrorReason::SlotTaken,
    );
    assert_eq!(
        (error.code(), error.fact().code.as_str(), error.fact().http),
        (Code::Aborted, "BOOKING002", 409)
    );
    assert_eq!(harness.bookings().await, 1);
    // Half open: the next one may begin where the first ends.
    let next = CreateBookingRequest {
        start_datetime: Some(stamp("2026-12-01T13:00:00Z")),
        end_datetime: Some(stamp("2026-12-01T14:00:00Z")),
        ..input(&car)
    };
    harness.create(harness.guest(), next).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_passes_the_other_refusals_of_vehicle_on() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host());
    for refusal in [
        VehicleReason::VehicleClosed,
        VehicleReason::OwnVehicle,
        VehicleReason::VehicleNotFound,
    ] {
        harness.vehicles.garage().refusal = Some(refusal);
        refused(harness.create(harness.guest(), input(&car)).await, refusal);
    }
    assert_eq!(harness.bookings().await, 0);
    // Nothing is held, so nothing is given back.
    assert!(harness.vehicles.garage().released.is_empty());
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_names_every_wrong_field_before_anything_happens() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host());
    let fields = async |request: CreateBookingRequest| -> Vec<String> {
        let error = refused(
            harness.create(harness.guest(), request).await,
            Common::InvalidArgument,
        );
        error
            .violations()
            .iter()
            .map(|violation| violation.field.clone())
            .collect()
    };
    assert_eq!(
        fields(CreateBookingRequest::default()).await,
        ["vehicle_id", "start_datetime", "end_datetime"]
    );
    let long = CreateBookingRequest {
        guest_message: Some("가".repeat(1001)),
        ..input(&car)
    };
    assert_eq!(fields(long).await, ["guest_message"]);
    let end = |end: &str| CreateBookingRequest {
        end_datetime: Some(stamp(end)),
        ..input(&car)
    };
    for wrong in [
        "2026-12-01T08:00:00Z",
        "2026-12-01T09:59:59Z",
        "2026-12-31T09:00:01Z",
    ] {
        assert_eq!(
            fields(end(wrong)).await,
            [""],
            "{wrong}: the rule is about both times"
        );
    }
    let nanos = CreateBookingRequest {
        start_datetime: Some(Timestamp {
            seconds: stamp("2026-12-01T09:00:00Z").seconds,
            nanos: -1,
        }),
        ..input(&car)
    };
    assert_eq!(fields(nanos).await, ["start_datetime"]);
    assert!(harness.vehicles.garage().placed.is_empty());
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_starts_in_the_future() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host());
    let from = |start: &str, end: &str| CreateBookingRequest {
        start_datetime: Some(stamp(start)),
        end_datetime: Some(stamp(end)),
        ..input(&car)
    };
    let now = from("2026-11-22T12:00:00Z", "2026-11-22T14:00:00Z");
    refused(
        harness.create(harness.guest(), now).await,
        ErrorReason::StartInPast,
    );
    assert!(harness.vehicles.garage().placed.is_empty());
    let soon = from("2026-11-22T12:00:00.000001Z", "2026-11-22T14:00:00Z");
    harness.create(harness.guest(), soon).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_is_for_signed_in_guests() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host());
    let nobody = only(harness.client.clone().create_booking(input(&car)).await);
    assert_eq!(nobody.unwrap_err().code(), Code::Unauthenticated);
    for role in ["host", "admin"] {
        let other = harness.create(harness.person(role), input(&car)).await;
        assert_eq!(other.unwrap_err().code(), Code::PermissionDenied, "{role}");
    }
    assert!(harness.vehicles.garage().placed.is_empty());
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_gives_the_car_back_when_its_hold_may_stand_and_nobody_will_ask_again() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host());
    harness.vehicles.garage().answers = Answers::Break;
    refused(
        harness.create(harness.guest(), input(&car)).await,
        Common::Unavailable,
    );
    soon(|| async { !harness.vehicles.garage().released.is_empty() }).await;
    harness.vehicles.garage().answers = Answers::Arrive;
    harness.pending(harness.guest(), &car).await;
    assert_eq!(harness.bookings().await, 1);
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_keeps_the_hold_of_a_keyed_call_whose_answer_was_lost() {
    let harness = Harness::start().await;
    let guest = harness.guest();
    let car = harness.car(harness.host());
    let again = || keyed(harness.by(guest, input(&car)), "key-1");
    harness.vehicles.garage().answers = Answers::Break;
    refused(
        only(harness.client.clone().create_booking(again()).await),
        Common::Unavailable,
    );
    harness.vehicles.garage().answers = Answers::Arrive;
    // Others find the slot taken; the repeat finds its own hold.
    refused(
        harness.create(harness.guest(), input(&car)).await,
        ErrorReason::SlotTaken,
    );
    let booking = only(harness.client.clone().create_booking(again()).await).unwrap();
    let mut own = harness.vehicles.garage().placed.clone();
    own.retain(|id| *id == booking.id);
    assert!(own.len() >= 2, "held under one id each time");
    assert!(harness.vehicles.garage().released.is_empty());
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_cut_off_between_hold_and_insert_is_finished_by_its_repeat() {
    let harness = Harness::start().await;
    let guest = harness.guest();
    let car = harness.car(harness.host());
    let again = || keyed(harness.by(guest, input(&car)), "key-1");
    harness.vehicles.garage().answers = Answers::Hang;
    let mut client = harness.client.clone();
    tokio::select! {
        _ = client.create_booking(again()) => panic!("vehicle has not answered"),
        () = soon(|| async { harness.vehicles.garage().holds.len() == 1 }) => {}
    }
    assert_eq!(harness.bookings().await, 0);
    harness.vehicles.garage().answers = Answers::Arrive;
    let booking = only(harness.client.clone().create_booking(again()).await).unwrap();
    assert_eq!(
        harness.vehicles.garage().placed,
        [booking.id.clone(), booking.id.clone()]
    );
    assert_eq!(
        (harness.bookings().await, harness.events(&booking).await),
        (1, vec!["booking.requested".to_owned()])
    );
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_that_cannot_be_written_gives_the_car_back() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host());
    harness
        .vehicles
        .garage()
        .cars
        .get_mut(&car.id)
        .unwrap()
        .hourly_rate = 0;
    refused(
        harness.create(harness.guest(), input(&car)).await,
        Common::Internal,
    );
    soon(|| async { harness.vehicles.garage().holds.is_empty() }).await;
    // The table refuses it: a guest is not the host.
    let guest = harness.guest();
    let own = harness.car(guest);
    refused(harness.create(guest, input(&own)).await, Common::Internal);
    soon(|| async { harness.vehicles.garage().released.len() == 2 }).await;
    assert_eq!(harness.bookings().await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_without_an_answer_of_vehicle_ends_at_its_deadline() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host());
    harness.vehicles.garage().answers = Answers::Hang;
    let mut request = harness.by(harness.guest(), input(&car));
    request.set_timeout(Duration::from_millis(300));
    let late = only(harness.client.clone().create_booking(request).await).unwrap_err();
    assert!(
        matches!(late.code(), Code::DeadlineExceeded | Code::Cancelled),
        "{late:?}"
    );
    assert_eq!(harness.bookings().await, 0);
    harness.finish().await;
}
