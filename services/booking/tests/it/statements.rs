//! Exact numbers of statements: they keep the speed where time cannot be asserted.

use carshare_proto::booking::v1::{CreateBookingRequest, ListBookingsRequest};
use carshare_service_testkit::Instance;
use carshare_testkit::{Counts, PostgresMeter};

use crate::harness::*;

/// An instance without workers notifies those of others after its commits, those of a moment together.
const NOTIFICATION: usize = 1;

/// Asserts what the last of three requests of different guests costs; the first ones prepare the statements.
async fn assert_create(key: Option<&str>, expected: Counts) {
    let harness = Harness::start().await;
    let (instance, meter): (Instance, PostgresMeter) = harness.start_metered().await;
    let client = Client::new(instance.channel());
    let create = async || {
        let request = harness.request(harness.guest(), input(&harness.car(harness.host())));
        let request = match key {
            Some(key) => with_idempotency_key(request, key),
            None => request,
        };
        into_message(client.clone().create_booking(request).await).unwrap();
    };
    create().await;
    create().await;
    let ((), measured) = meter.measure(create()).await;
    measured.assert(expected);
    instance.stop().await;
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_is_two_statements_and_one_commit() {
    let expected = Counts {
        statements: 2 + NOTIFICATION,
        round_trips: 4 + NOTIFICATION,
        commits: 1,
    };
    assert_create(None, expected).await;
}

#[tokio::test]
async fn create_booking_with_a_key_is_three_statements_and_one_commit() {
    let expected = Counts {
        statements: 3 + NOTIFICATION,
        round_trips: 5 + NOTIFICATION,
        commits: 1,
    };
    assert_create(Some("key-1"), expected).await;
}

#[tokio::test]
async fn create_booking_with_a_coupon_is_two_more_statements() {
    let harness = Harness::start().await;
    let (instance, meter) = harness.start_metered().await;
    let client = Client::new(instance.channel());
    let host = harness.host();
    harness
        .create_coupon(host, percent_off("CODE", 10))
        .await
        .unwrap();
    let create = async || {
        let request = harness.request(harness.guest(), with_coupon(&harness.car(host), "CODE"));
        into_message(client.clone().create_booking(request).await).unwrap();
    };
    create().await;
    create().await;
    // The coupon, and its redemption.
    let ((), measured) = meter.measure(create()).await;
    measured.assert(Counts {
        statements: 4 + NOTIFICATION,
        round_trips: 6 + NOTIFICATION,
        commits: 1,
    });
    instance.stop().await;
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_as_quoted_costs_no_more_and_a_quote_is_one_statement() {
    let harness = Harness::start().await;
    let (instance, meter) = harness.start_metered().await;
    let client = Client::new(instance.channel());
    let (guest, car) = (harness.guest(), harness.car(harness.host()));
    let quote = async || {
        let request = harness.request(guest, quote_of(&car));
        into_message(client.clone().quote_booking(request).await).unwrap()
    };
    quote().await;
    quote().await;
    let (_, measured) = meter.measure(quote()).await;
    measured.assert(Counts {
        statements: 1,
        round_trips: 1,
        commits: 0,
    });
    let create = async |number: usize| {
        let (guest, car) = (harness.guest(), harness.car(harness.host()));
        let request = harness.request(guest, quote_of(&car));
        let quote = into_message(harness.client.clone().quote_booking(request).await).unwrap();
        let request = CreateBookingRequest {
            quote_token: Some(quote.quote_token),
            ..input(&car)
        };
        let request = with_idempotency_key(harness.request(guest, request), &format!("key-{number}"));
        let mut client = client.clone();
        let (reply, measured) = meter.measure(client.create_booking(request)).await;
        into_message(reply).unwrap();
        measured
    };
    create(1).await;
    create(2).await;
    create(3).await.assert(Counts {
        statements: 3 + NOTIFICATION,
        round_trips: 5 + NOTIFICATION,
        commits: 1,
    });
    instance.stop().await;
    harness.finish().await;
}

#[tokio::test]
async fn list_of_bookings_is_two_statements_and_one_more_with_a_total() {
    let harness = Harness::start().await;
    let (instance, meter) = harness.start_metered().await;
    let client = Client::new(instance.channel());
    let guest = harness.guest();
    harness.pending(guest, &harness.car(harness.host())).await;
    // The page, and the profiles of its guests.
    for (include_total, statements) in [(false, 2), (true, 3)] {
        let list = async || {
            let request = ListBookingsRequest {
                include_total,
                ..Default::default()
            };
            let request = harness.request(guest, request);
            into_message(client.clone().list_bookings(request).await).unwrap()
        };
        list().await;
        list().await;
        let (page, measured) = meter.measure(list()).await;
        assert_eq!(page.total_size, include_total.then_some(1));
        measured.assert(Counts {
            statements,
            round_trips: statements,
            commits: 0,
        });
    }
    instance.stop().await;
    harness.finish().await;
}
