//! `GetBooking` and `ListBookings`: visibility, filters, order and pages.

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::Vehicle;
use chrono::TimeDelta;

use crate::harness::*;

pub async fn list(harness: &Harness, person: Person, request: ListBookingsRequest) -> ListBookingsResponse {
    into_message(
        harness
            .client
            .clone()
            .list_bookings(harness.request(person, request))
            .await,
    )
    .unwrap()
}

pub fn ids(page: &ListBookingsResponse) -> Vec<String> {
    page.bookings.iter().map(|booking| booking.id.clone()).collect()
}

/// Creates bookings of one car on consecutive days, a minute apart, and returns them newest first.
async fn create_on_days(harness: &Harness, guest: Person, car: &Vehicle, count: i64) -> Vec<Booking> {
    let mut made = Vec::new();
    for day in 0..count {
        let (start, end) = (at("2026-12-01T09:00:00Z"), at("2026-12-01T13:00:00Z"));
        let on = |time: chrono::DateTime<chrono::Utc>| {
            Some(prost_types::Timestamp {
                seconds: (time + TimeDelta::days(day)).timestamp(),
                nanos: 0,
            })
        };
        let input = CreateBookingRequest {
            start_datetime: on(start),
            end_datetime: on(end),
            ..input(car)
        };
        made.push(harness.create(guest, input).await.unwrap());
        harness.clock.advance(std::time::Duration::from_mins(1));
    }
    made.reverse();
    made
}

#[tokio::test]
async fn get_booking_is_visible_to_guest_host_and_admins_only() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.pending(guest, &car).await;
    let exact = Booking {
        vehicle: Some(car),
        ..booking.clone()
    };
    for (person, expected) in [
        (guest, &booking),
        (host, &exact),
        (harness.person("admin"), &exact),
    ] {
        assert_eq!(
            &harness.get(person, &booking.id).await.unwrap(),
            expected,
            "{}",
            person.role
        );
    }
    for stranger in [harness.guest(), harness.host()] {
        assert_reason(
            harness.get(stranger, &booking.id).await,
            ErrorReason::BookingNotFound,
        );
    }
    assert_reason(
        harness.get(guest, &harness.guest().id.to_string()).await,
        ErrorReason::BookingNotFound,
    );
    let error = assert_reason(harness.get(guest, "one").await, Common::InvalidArgument);
    assert_eq!(error.violations()[0].field, "booking_id");
    harness.finish().await;
}

#[tokio::test]
async fn list_bookings_returns_the_callers_bookings() {
    let harness = Harness::start().await;
    let (guest, host, other) = (harness.guest(), harness.host(), harness.host());
    let mine = create_on_days(&harness, guest, &harness.car(host), 2).await;
    let theirs = create_on_days(&harness, harness.guest(), &harness.car(host), 1).await;
    let elsewhere = create_on_days(&harness, guest, &harness.car(other), 1).await;
    let all = ListBookingsRequest::default;
    let expected = |parts: &[&Vec<Booking>]| {
        parts
            .iter()
            .copied()
            .flatten()
            .map(|b| b.id.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ids(&list(&harness, guest, all()).await),
        expected(&[&elsewhere, &mine])
    );
    assert_eq!(
        ids(&list(&harness, host, all()).await),
        expected(&[&theirs, &mine])
    );
    for stranger in [harness.guest(), harness.person("admin")] {
        assert_eq!(
            list(&harness, stranger, all()).await,
            ListBookingsResponse::default()
        );
    }
    harness.finish().await;
}

#[tokio::test]
async fn list_bookings_filters_by_status() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let made = create_on_days(&harness, guest, &harness.car(host), 3).await;
    harness.reject(host, &made[1].id).await.unwrap();
    let filter = |status: BookingStatus| ListBookingsRequest {
        status: status.into(),
        ..Default::default()
    };
    assert_eq!(
        ids(&list(&harness, guest, filter(BookingStatus::Rejected)).await),
        [made[1].id.clone()]
    );
    assert_eq!(
        ids(&list(&harness, host, filter(BookingStatus::Pending)).await),
        [made[0].id.clone(), made[2].id.clone()]
    );
    assert!(ids(&list(&harness, guest, filter(BookingStatus::Active)).await).is_empty());
    harness.finish().await;
}

#[tokio::test]
async fn list_bookings_filters_by_car_and_start() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let made = create_on_days(&harness, guest, &harness.car(host), 3).await;
    let other = create_on_days(&harness, guest, &harness.car(host), 1).await;
    let of_car = ListBookingsRequest {
        vehicle_id: Some(other[0].vehicle_id.clone()),
        ..Default::default()
    };
    assert_eq!(list(&harness, guest, of_car).await.bookings, other);
    let mut by_start = made.clone();
    by_start.sort_by_key(|booking| booking.start_datetime.map(|start| start.seconds));
    // The first bound is inclusive, the second exclusive.
    let between = ListBookingsRequest {
        vehicle_id: Some(made[0].vehicle_id.clone()),
        starts_from: by_start[1].start_datetime,
        starts_before: by_start[2].start_datetime,
        ..Default::default()
    };
    for person in [guest, host] {
        let found = list(&harness, person, between.clone()).await;
        assert_eq!(ids(&found), [by_start[1].id.as_str()]);
    }
    harness.finish().await;
}

#[tokio::test]
async fn list_bookings_pages_return_each_booking_once() {
    let harness = Harness::start().await;
    let guest = harness.guest();
    let made = create_on_days(&harness, guest, &harness.car(harness.host()), 5).await;
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    for size in [2, 2, 1] {
        let page = list(
            &harness,
            guest,
            ListBookingsRequest {
                page_size: 2,
                page_token,
                ..Default::default()
            },
        )
        .await;
        assert_eq!(page.bookings.len(), size);
        seen.extend(page.bookings);
        page_token = page.next_page_token;
    }
    assert_eq!((seen, page_token), (made, String::new()));
    let whole = list(
        &harness,
        guest,
        ListBookingsRequest {
            page_size: 5,
            ..Default::default()
        },
    )
    .await;
    assert_eq!((whole.bookings.len(), whole.next_page_token.as_str()), (5, ""));
    harness.finish().await;
}

#[tokio::test]
async fn list_bookings_with_a_token_of_another_filter_is_refused() {
    let harness = Harness::start().await;
    let guest = harness.guest();
    create_on_days(&harness, guest, &harness.car(harness.host()), 2).await;
    let first = ListBookingsRequest {
        page_size: 1,
        ..Default::default()
    };
    let page_token = list(&harness, guest, first).await.next_page_token;
    let other = ListBookingsRequest {
        status: BookingStatus::Pending.into(),
        page_size: 1,
        page_token,
        ..Default::default()
    };
    let call = harness.request(guest, other);
    let refused = into_message(harness.client.clone().list_bookings(call).await);
    let error = assert_reason(refused, Common::InvalidArgument);
    assert_eq!(error.violations()[0].field, "page_token");
    harness.finish().await;
}

#[tokio::test]
async fn list_bookings_with_an_invalid_field_names_it() {
    let harness = Harness::start().await;
    let wrong = [
        (
            ListBookingsRequest {
                page_token: "abc".into(),
                ..Default::default()
            },
            "page_token",
        ),
        (
            ListBookingsRequest {
                page_size: 201,
                ..Default::default()
            },
            "page_size",
        ),
        (
            ListBookingsRequest {
                page_size: -1,
                ..Default::default()
            },
            "page_size",
        ),
        (
            ListBookingsRequest {
                status: 99,
                ..Default::default()
            },
            "status",
        ),
    ];
    for (request, field) in wrong {
        let answer = into_message(
            harness
                .client
                .clone()
                .list_bookings(harness.request(harness.guest(), request))
                .await,
        );
        assert_eq!(
            assert_reason(answer, Common::InvalidArgument).violations()[0].field,
            field
        );
    }
    harness.finish().await;
}
