//! `CreateBooking`: stored terms, published event and idempotency keys.

use carshare_proto::approximate_place::without_exact_place;
use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::ErrorReason as VehicleReason;

use crate::harness::*;

#[tokio::test]
async fn create_booking_stores_current_terms_and_publishes_requested() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.pending(guest, &car).await;
    let expected = Booking {
        id: booking.id.clone(),
        vehicle_id: car.id.clone(),
        guest_id: guest.id.to_string(),
        host_id: host.id.to_string(),
        vehicle: Some(without_exact_place(car.clone())),
        guest: booking.guest.clone(),
        start_datetime: Some(timestamp("2026-12-01T09:00:00Z")),
        end_datetime: Some(timestamp("2026-12-01T13:00:00Z")),
        total_amount: 60_000,
        platform_fee: 9_000,
        status: BookingStatus::Pending.into(),
        payment_status: PaymentStatus::None.into(),
        guest_message: Some("잘 타겠습니다".into()),
        host_response: None,
        respond_by: Some(timestamp("2026-11-23T12:00:00Z")),
        payment_due_at: None,
        confirmed_at: None,
        cancellation: None,
        created_at: Some(timestamp("2026-11-22T12:00:00Z")),
        updated_at: Some(timestamp("2026-11-22T12:00:00Z")),
        pickup_photos: Vec::new(),
        return_photos: Vec::new(),
        price_lines: vec![PriceLine {
            kind: PriceLineKind::Time.into(),
            quantity: 8,
            unit_amount: 15_000,
            percent: 0,
            amount: 60_000,
        }],
        vat_amount: 5_455,
        cancellation_policy: Some(platform_policy(Some([
            "2026-11-30T09:00:00Z",
            "2026-12-01T09:00:00Z",
        ]))),
    };
    assert_eq!(booking, expected);
    assert_eq!(harness.vehicle().placed, [booking.id.as_str()]);

    // A later price of the car does not change the booking.
    harness.vehicle().cars.get_mut(&car.id).unwrap().hourly_rate = 99_000;
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
        platform_discount: 0,
    };
    let expected_event = BookingRequested {
        booking_id: booking.id.clone(),
        booking: Some(facts),
        guest_message: expected.guest_message,
        respond_by: expected.respond_by,
        instant_book: false,
    };
    assert_eq!(events, expected_event);
    assert_eq!(harness.history(&booking).await, ["→pending none by guest"]);
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_repeated_with_its_key_returns_the_same_booking() {
    let harness = Harness::start().await;
    let guest = harness.guest();
    let car = harness.car(harness.host());
    let request = || with_idempotency_key(harness.request(guest, input(&car)), "key-1");
    let first = into_message(harness.client.clone().create_booking(request()).await).unwrap();
    // A later refusal of vehicle does not matter: the stored reply is returned.
    harness.vehicle().place_refusal = Some(VehicleReason::VehicleUnavailable);
    let second = into_message(harness.client.clone().create_booking(request()).await).unwrap();
    assert_eq!(second, first);
    assert_eq!(harness.vehicle().placed, [first.id.as_str(), first.id.as_str()]);
    assert!(harness.vehicle().released.is_empty());
    assert_eq!(
        (harness.booking_count().await, harness.events(&first).await),
        (1, vec!["booking.requested".to_owned()])
    );
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_with_a_reused_key_is_refused_and_releases_its_hold() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (car, other) = (harness.car(host), harness.car(host));
    let mut client = harness.client.clone();
    let first = into_message(
        client
            .create_booking(with_idempotency_key(harness.request(guest, input(&car)), "key-1"))
            .await,
    )
    .unwrap();
    let second = into_message(
        client
            .create_booking(with_idempotency_key(
                harness.request(guest, input(&other)),
                "key-1",
            ))
            .await,
    );
    assert_reason(second, Common::IdempotencyKeyReused);
    wait_until(|| async { !harness.vehicle().released.is_empty() }).await;
    {
        let state = harness.vehicle();
        assert_eq!((state.placed.len(), &state.placed[1]), (2, &state.released[0]));
        assert_eq!(state.holds.keys().collect::<Vec<_>>(), [&first.id]);
    }
    // Keys of different callers are independent.
    let stranger = harness.guest();
    into_message(
        client
            .create_booking(with_idempotency_key(
                harness.request(stranger, input(&other)),
                "key-1",
            ))
            .await,
    )
    .unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_repeated_after_its_start_or_cancellation_returns_the_stored_reply() {
    let harness = Harness::start().await;
    let guest = harness.guest();
    let car = harness.car(harness.host());
    let soon = CreateBookingRequest {
        start_datetime: Some(timestamp("2026-11-22T14:00:00Z")),
        end_datetime: Some(timestamp("2026-11-22T18:00:00Z")),
        ..input(&car)
    };
    let call = || async {
        let request = with_idempotency_key(harness.request(guest, soon.clone()), "key-1");
        into_message(harness.client.clone().create_booking(request).await).unwrap()
    };
    let first = call().await;
    harness.cancel(guest, &first.id).await.unwrap();
    harness.vehicle().place_refusal = Some(VehicleReason::VehicleNotFound);
    assert_eq!(call().await, first);
    harness.clock.set(at("2026-11-22T15:00:00Z"));
    assert_eq!(call().await, first);
    assert_eq!(harness.vehicle().placed.len(), 2);
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_with_the_key_of_an_earlier_day_is_a_new_request() {
    let harness = Harness::start().await;
    let guest = harness.guest();
    let car = harness.car(harness.host());
    let call = || async {
        let request = with_idempotency_key(harness.request(guest, input(&car)), "key-1");
        into_message(harness.client.clone().create_booking(request).await)
    };
    let first = call().await.unwrap();
    harness.clock.set(at("2026-11-23T12:00:00.000001Z"));
    assert_reason(call().await, ErrorReason::SlotTaken);
    wait_until(|| async {
        let seen = harness.get(guest, &first.id).await.unwrap();
        seen.status() == BookingStatus::Cancelled
    })
    .await;
    harness.vehicle().holds.clear();
    harness.vehicle().ended.insert(first.id.clone());
    let second = call().await.unwrap();
    assert_ne!(second.id, first.id);
    assert_eq!(call().await.unwrap(), second, "a repeat");
    harness.finish().await;
}
