//! `CreateBooking`: what is held, what is written, what is told, and what becomes of it when something breaks in between.

use std::time::Duration;

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::ErrorReason as VehicleReason;
use prost_types::Timestamp;
use tonic::Code;

use crate::bench::*;
use crate::peers::Answers;

#[tokio::test]
async fn create_booking_writes_the_terms_of_the_moment_and_tells() {
    let bench = Bench::start().await;
    let (guest, host) = (bench.guest(), bench.host());
    let car = bench.car(host);
    let booking = bench.pending(guest, &car).await;
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
    assert_eq!(bench.vehicles.garage().placed, [booking.id.as_str()]);

    // Later prices of the car do not touch it.
    bench.vehicles.garage().cars.get_mut(&car.id).unwrap().hourly_rate = 99_000;
    assert_eq!(bench.get(guest, &booking.id).await.unwrap(), expected);

    let told: BookingRequested = bench.event().await;
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
    assert_eq!(told, expected_event);
    assert_eq!(bench.history(&booking).await, ["→pending none by guest"]);
    bench.finish().await;
}

#[tokio::test]
async fn create_booking_repeated_under_its_key_is_the_same_booking() {
    let bench = Bench::start().await;
    let guest = bench.guest();
    let car = bench.car(bench.host());
    let again = || keyed(bench.by(guest, wish(&car)), "key-1");
    let first = only(bench.client.clone().create_booking(again()).await).unwrap();
    // Also when the slot is gone or the start is past by now: the answer was given.
    bench.vehicles.garage().refusal = Some(VehicleReason::VehicleUnavailable);
    let second = only(bench.client.clone().create_booking(again()).await).unwrap();
    assert_eq!(second, first);
    assert_eq!(bench.vehicles.garage().placed, [first.id.as_str()]);
    assert_eq!(
        (bench.bookings().await, bench.told(&first).await),
        (1, vec!["booking.requested".to_owned()])
    );
    bench.finish().await;
}

#[tokio::test]
async fn create_booking_under_a_key_of_another_request_is_refused_and_holds_nothing() {
    let bench = Bench::start().await;
    let (guest, host) = (bench.guest(), bench.host());
    let (car, other) = (bench.car(host), bench.car(host));
    let mut client = bench.client.clone();
    let first = only(
        client
            .create_booking(keyed(bench.by(guest, wish(&car)), "key-1"))
            .await,
    )
    .unwrap();
    let second = only(
        client
            .create_booking(keyed(bench.by(guest, wish(&other)), "key-1"))
            .await,
    );
    refused(second, Common::IdempotencyKeyReused);
    assert_eq!(bench.vehicles.garage().placed, [first.id]);
    // A key is the caller's own.
    let stranger = bench.guest();
    only(
        client
            .create_booking(keyed(bench.by(stranger, wish(&other)), "key-1"))
            .await,
    )
    .unwrap();
    bench.finish().await;
}

#[tokio::test]
async fn create_booking_of_a_taken_slot_is_slot_taken_and_stores_nothing() {
    let bench = Bench::start().await;
    let car = bench.car(bench.host());
    bench.pending(bench.guest(), &car).await;
    let overlapping = CreateBookingRequest {
        start_datetime: Some(stamp("2026-12-01T12:59:00Z")),
        end_datetime: Some(stamp("2026-12-01T14:00:00Z")),
        ..wish(&car)
    };
    let error = refused(
        bench.create(bench.guest(), overlapping).await,
        ErrorReason::SlotTaken,
    );
    assert_eq!(
        (error.code(), error.fact().code.as_str(), error.fact().http),
        (Code::Aborted, "BOOKING002", 409)
    );
    assert_eq!(bench.bookings().await, 1);
    // Half open: the next one may begin where the first ends.
    let next = CreateBookingRequest {
        start_datetime: Some(stamp("2026-12-01T13:00:00Z")),
        end_datetime: Some(stamp("2026-12-01T14:00:00Z")),
        ..wish(&car)
    };
    bench.create(bench.guest(), next).await.unwrap();
    bench.finish().await;
}

#[tokio::test]
async fn create_booking_passes_the_other_refusals_of_vehicle_on() {
    let bench = Bench::start().await;
    let car = bench.car(bench.host());
    for refusal in [
        VehicleReason::VehicleClosed,
        VehicleReason::OwnVehicle,
        VehicleReason::VehicleNotFound,
    ] {
        bench.vehicles.garage().refusal = Some(refusal);
        refused(bench.create(bench.guest(), wish(&car)).await, refusal);
    }
    assert_eq!(bench.bookings().await, 0);
    // Nothing is held, so nothing is given back.
    assert!(bench.vehicles.garage().released.is_empty());
    bench.finish().await;
}

#[tokio::test]
async fn create_booking_names_every_wrong_field_before_anything_happens() {
    let bench = Bench::start().await;
    let car = bench.car(bench.host());
    let fields = async |request: CreateBookingRequest| -> Vec<String> {
        let error = refused(
            bench.create(bench.guest(), request).await,
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
        ..wish(&car)
    };
    assert_eq!(fields(long).await, ["guest_message"]);
    let end = |end: &str| CreateBookingRequest {
        end_datetime: Some(stamp(end)),
        ..wish(&car)
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
        ..wish(&car)
    };
    assert_eq!(fields(nanos).await, ["start_datetime"]);
    assert!(bench.vehicles.garage().placed.is_empty());
    bench.finish().await;
}

#[tokio::test]
async fn create_booking_starts_in_the_future() {
    let bench = Bench::start().await;
    let car = bench.car(bench.host());
    let from = |start: &str, end: &str| CreateBookingRequest {
        start_datetime: Some(stamp(start)),
        end_datetime: Some(stamp(end)),
        ..wish(&car)
    };
    let now = from("2026-11-22T12:00:00Z", "2026-11-22T14:00:00Z");
    refused(bench.create(bench.guest(), now).await, ErrorReason::StartInPast);
    assert!(bench.vehicles.garage().placed.is_empty());
    let soon = from("2026-11-22T12:00:00.000001Z", "2026-11-22T14:00:00Z");
    bench.create(bench.guest(), soon).await.unwrap();
    bench.finish().await;
}

#[tokio::test]
async fn create_booking_is_for_signed_in_guests() {
    let bench = Bench::start().await;
    let car = bench.car(bench.host());
    let nobody = only(bench.client.clone().create_booking(wish(&car)).await);
    assert_eq!(nobody.unwrap_err().code(), Code::Unauthenticated);
    for role in ["host", "admin"] {
        let other = bench.create(bench.person(role), wish(&car)).await;
        assert_eq!(other.unwrap_err().code(), Code::PermissionDenied, "{role}");
    }
    assert!(bench.vehicles.garage().placed.is_empty());
    bench.finish().await;
}

#[tokio::test]
async fn create_booking_gives_the_car_back_when_its_hold_may_stand_and_nobody_will_ask_again() {
    let bench = Bench::start().await;
    let car = bench.car(bench.host());
    bench.vehicles.garage().answers = Answers::Break;
    refused(bench.create(bench.guest(), wish(&car)).await, Common::Unavailable);
    soon(|| async { !bench.vehicles.garage().released.is_empty() }).await;
    bench.vehicles.garage().answers = Answers::Arrive;
    bench.pending(bench.guest(), &car).await;
    assert_eq!(bench.bookings().await, 1);
    bench.finish().await;
}

#[tokio::test]
async fn create_booking_keeps_the_hold_of_a_keyed_call_whose_answer_was_lost() {
    let bench = Bench::start().await;
    let guest = bench.guest();
    let car = bench.car(bench.host());
    let again = || keyed(bench.by(guest, wish(&car)), "key-1");
    bench.vehicles.garage().answers = Answers::Break;
    refused(
        only(bench.client.clone().create_booking(again()).await),
        Common::Unavailable,
    );
    bench.vehicles.garage().answers = Answers::Arrive;
    // Others find the slot taken; the repeat finds its own hold.
    refused(
        bench.create(bench.guest(), wish(&car)).await,
        ErrorReason::SlotTaken,
    );
    let booking = only(bench.client.clone().create_booking(again()).await).unwrap();
    let mut own = bench.vehicles.garage().placed.clone();
    own.retain(|id| *id == booking.id);
    assert!(own.len() >= 2, "held under one id each time");
    assert!(bench.vehicles.garage().released.is_empty());
    bench.finish().await;
}

#[tokio::test]
async fn create_booking_cut_off_between_hold_and_insert_is_finished_by_its_repeat() {
    let bench = Bench::start().await;
    let guest = bench.guest();
    let car = bench.car(bench.host());
    let again = || keyed(bench.by(guest, wish(&car)), "key-1");
    bench.vehicles.garage().answers = Answers::Hang;
    let mut client = bench.client.clone();
    tokio::select! {
        _ = client.create_booking(again()) => panic!("vehicle has not answered"),
        () = soon(|| async { bench.vehicles.garage().holds.len() == 1 }) => {}
    }
    assert_eq!(bench.bookings().await, 0);
    bench.vehicles.garage().answers = Answers::Arrive;
    let booking = only(bench.client.clone().create_booking(again()).await).unwrap();
    assert_eq!(
        bench.vehicles.garage().placed,
        [booking.id.clone(), booking.id.clone()]
    );
    assert_eq!(
        (bench.bookings().await, bench.told(&booking).await),
        (1, vec!["booking.requested".to_owned()])
    );
    bench.finish().await;
}

#[tokio::test]
async fn create_booking_that_cannot_be_written_gives_the_car_back() {
    let bench = Bench::start().await;
    let car = bench.car(bench.host());
    bench.vehicles.garage().cars.get_mut(&car.id).unwrap().hourly_rate = 0;
    refused(bench.create(bench.guest(), wish(&car)).await, Common::Internal);
    soon(|| async { bench.vehicles.garage().holds.is_empty() }).await;
    // The table refuses it: a guest is not the host.
    let guest = bench.guest();
    let own = bench.car(guest);
    refused(bench.create(guest, wish(&own)).await, Common::Internal);
    soon(|| async { bench.vehicles.garage().released.len() == 2 }).await;
    assert_eq!(bench.bookings().await, 0);
    bench.finish().await;
}

#[tokio::test]
async fn create_booking_without_an_answer_of_vehicle_ends_at_its_deadline() {
    let bench = Bench::start().await;
    let car = bench.car(bench.host());
    bench.vehicles.garage().answers = Answers::Hang;
    let mut request = bench.by(bench.guest(), wish(&car));
    request.set_timeout(Duration::from_millis(300));
    let late = only(bench.client.clone().create_booking(request).await).unwrap_err();
    assert!(
        matches!(late.code(), Code::DeadlineExceeded | Code::Cancelled),
        "{late:?}"
    );
    assert_eq!(bench.bookings().await, 0);
    bench.finish().await;
}
