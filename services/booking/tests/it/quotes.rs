//! `QuoteBooking`, and `CreateBooking` with the token of a quote.

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::{DatedRate, ErrorReason as VehicleReason, LongRentalDiscount, Pricing};
use tonic::Code;

use crate::harness::*;

fn time(quantity: i32, unit_amount: i64, amount: i64) -> PriceLine {
    PriceLine {
        kind: PriceLineKind::Time.into(),
        quantity,
        unit_amount,
        percent: 0,
        amount,
    }
}

#[tokio::test]
async fn quote_booking_shows_the_terms_and_holds_nothing() {
    let harness = Harness::start().await;
    let (guest, car) = (harness.guest(), harness.car(harness.host()));
    let quote = harness.quote(guest, quote_of(&car)).await.unwrap();
    let expected = BookingQuote {
        vehicle_id: car.id.clone(),
        start_datetime: Some(timestamp("2026-12-01T09:00:00Z")),
        end_datetime: Some(timestamp("2026-12-01T13:00:00Z")),
        price_lines: vec![time(8, 15_000, 60_000)],
        total_amount: 60_000,
        platform_fee: 9_000,
        vat_amount: 5_455,
        cancellation_policy: Some(platform_policy(Some([
            "2026-11-30T09:00:00Z",
            "2026-12-01T09:00:00Z",
        ]))),
        availability: QuoteAvailability::Free.into(),
        quote_token: quote.quote_token.clone(),
        expires_at: Some(timestamp("2026-11-22T12:15:00Z")),
    };
    assert_eq!(quote, expected);
    assert_eq!(
        harness.quote(guest, quote_of(&car)).await.unwrap(),
        expected,
        "a repeat"
    );
    assert!(harness.vehicle().placed.is_empty());
    assert_eq!(harness.booking_count().await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn quote_booking_itemises_rates_of_dates_and_the_discount() {
    let harness = Harness::start().await;
    let (guest, car) = (harness.guest(), harness.car(harness.host()));
    let pricing = Pricing {
        dated_rates: vec![DatedRate {
            start_date: "2026-12-02".into(),
            end_date: "2026-12-02".into(),
            hourly_rate: 20_001,
            name: Some("눈 오는 날".into()),
        }],
        long_rental_discounts: vec![LongRentalDiscount {
            min_hours: 30,
            percent: 10,
        }],
    };
    harness.vehicle().cars.get_mut(&car.id).unwrap().pricing = Some(pricing);
    // From 18:00 in Seoul on the 1st to 01:15 on the 3rd.
    let request = QuoteBookingRequest {
        end_datetime: Some(timestamp("2026-12-02T16:15:00Z")),
        ..quote_of(&car)
    };
    let quote = harness.quote(guest, request).await.unwrap();
    let dated = PriceLine {
        kind: PriceLineKind::DatedTime.into(),
        ..time(48, 20_001, 480_024)
    };
    let discount = PriceLine {
        kind: PriceLineKind::LongRentalDiscount.into(),
        percent: 10,
        ..time(63, 0, -59_252)
    };
    assert_eq!(quote.price_lines, [time(15, 15_000, 112_500), dated, discount]);
    assert_eq!((quote.total_amount, quote.platform_fee), (533_272, 79_991));
    harness.finish().await;
}

#[tokio::test]
async fn quote_booking_of_a_car_that_is_not_free_says_so() {
    let harness = Harness::start().await;
    let (guest, car) = (harness.guest(), harness.car(harness.host()));
    harness.pending(harness.guest(), &car).await;
    let quote = harness.quote(guest, quote_of(&car)).await.unwrap();
    assert_eq!(quote.availability(), QuoteAvailability::SlotTaken);
    let refused = harness.create_quoted(guest, &car, &quote.quote_token).await;
    assert_reason(refused, ErrorReason::SlotTaken);
    harness.vehicle().is_closed = true;
    let quote = harness.quote(guest, quote_of(&car)).await.unwrap();
    assert_eq!(quote.availability(), QuoteAvailability::VehicleClosed);
    harness.finish().await;
}

#[tokio::test]
async fn quote_booking_of_a_rental_that_cannot_be_is_refused() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let from = |start: &str, end: &str| QuoteBookingRequest {
        start_datetime: Some(timestamp(start)),
        end_datetime: Some(timestamp(end)),
        ..quote_of(&car)
    };
    let now = from("2026-11-22T12:00:00Z", "2026-11-22T14:00:00Z");
    assert_reason(harness.quote(guest, now).await, ErrorReason::StartInPast);
    let short = from("2026-12-01T09:00:00Z", "2026-12-01T09:59:59Z");
    let error = assert_reason(harness.quote(guest, short).await, Common::InvalidArgument);
    assert_eq!(error.violations()[0].field, "start_datetime");
    for refusal in [VehicleReason::VehicleNotFound, VehicleReason::OwnVehicle] {
        harness.vehicle().place_refusal = Some(refusal);
        assert_reason(harness.quote(guest, quote_of(&car)).await, refusal);
    }
    let by_host = harness.quote(host, quote_of(&car)).await;
    assert_eq!(by_host.unwrap_err().code(), Code::PermissionDenied);
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_with_a_token_is_charged_as_quoted() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let quote = harness.quote(guest, quote_of(&car)).await.unwrap();
    harness.vehicle().cars.get_mut(&car.id).unwrap().hourly_rate = 99_000;
    harness.set_policy(host, &[(0, 100)]).await.unwrap();

    let booking = harness
        .create_quoted(guest, &car, &quote.quote_token)
        .await
        .unwrap();
    assert_eq!(booking.price_lines, quote.price_lines);
    assert_eq!((booking.total_amount, booking.platform_fee), (60_000, 9_000));
    assert_eq!(booking.cancellation_policy, quote.cancellation_policy);
    assert_eq!(harness.get(guest, &booking.id).await.unwrap(), booking);
    let event: BookingRequested = harness.event().await;
    assert_eq!(event.booking.unwrap().total_amount, 60_000);

    harness.cancel(guest, &booking.id).await.unwrap();
    harness.vehicle().holds.clear();
    let current = harness.pending(guest, &car).await;
    assert_eq!(current.total_amount, 4 * 99_000);
    assert!(current.cancellation_policy.unwrap().is_host_policy);
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_with_a_token_of_another_request_is_refused() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (car, other) = (harness.car(host), harness.car(host));
    let token = harness.quote(guest, quote_of(&car)).await.unwrap().quote_token;
    let longer = CreateBookingRequest {
        end_datetime: Some(timestamp("2026-12-01T13:00:01Z")),
        quote_token: Some(token.clone()),
        ..input(&car)
    };
    let mut changed = token.clone().into_bytes();
    changed[60] = if changed[60] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    let refused = [
        harness.create_quoted(harness.guest(), &car, &token).await,
        harness.create_quoted(guest, &other, &token).await,
        harness.create(guest, longer).await,
        harness.create_quoted(guest, &car, &changed).await,
        harness.create_quoted(guest, &car, "견적").await,
    ];
    for reply in refused {
        assert_reason(reply, ErrorReason::QuoteInvalid);
    }
    assert!(harness.vehicle().placed.is_empty());
    assert_eq!(harness.booking_count().await, 0);
    // Another replica has the same key.
    let replica = harness.start_instance().await;
    let request = CreateBookingRequest {
        quote_token: Some(token),
        ..input(&car)
    };
    let booked = Client::new(replica.channel())
        .create_booking(harness.request(guest, request))
        .await;
    assert_eq!(into_message(booked).unwrap().total_amount, 60_000);
    replica.stop().await;
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_with_an_expired_token_is_refused_unless_it_is_a_repeat() {
    let harness = Harness::start().await;
    let (guest, car) = (harness.guest(), harness.car(harness.host()));
    let token = harness.quote(guest, quote_of(&car)).await.unwrap().quote_token;
    let call = |key: &'static str| {
        let request = CreateBookingRequest {
            quote_token: Some(token.clone()),
            ..input(&car)
        };
        let request = with_idempotency_key(harness.request(guest, request), key);
        let mut client = harness.client.clone();
        async move { into_message(client.create_booking(request).await) }
    };
    harness.clock.set(at("2026-11-22T12:14:59.999Z"));
    let booking = call("key-1").await.unwrap();
    harness.clock.set(at("2026-11-22T12:15:00Z"));
    assert_reason(call("key-2").await, ErrorReason::QuoteExpired);
    assert_eq!(call("key-1").await.unwrap(), booking);
    assert_eq!(harness.vehicle().placed, [booking.id.as_str()]);
    harness.finish().await;
}
