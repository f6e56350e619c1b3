//! `ListBookings`: order, ranges, several statuses and totals.

use std::time::Duration;

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use prost_types::Timestamp;

use crate::harness::*;
use crate::reads::{ids, list};

/// Days of December on which the rentals start, in the order of the requests.
const DAYS: [u32; 4] = [3, 1, 4, 1];

/// Requests a car of its own for each of [`DAYS`], a minute apart, and returns the bookings.
async fn requested(harness: &Harness, guest: Person, host: Person) -> Vec<Booking> {
    let mut made = Vec::new();
    for day in DAYS {
        let input = CreateBookingRequest {
            start_datetime: time(&format!("2026-12-0{day}T09:00:00Z")),
            end_datetime: time(&format!("2026-12-0{day}T13:00:00Z")),
            ..input(&harness.car(host))
        };
        made.push(harness.create(guest, input).await.unwrap());
        harness.clock.advance(Duration::from_mins(1));
    }
    made
}

#[expect(clippy::unnecessary_wraps, reason = "message fields are optional")]
fn time(text: &str) -> Option<Timestamp> {
    Some(carshare_chassis::proto_types::timestamp(at(text)))
}

fn picked(made: &[Booking], indexes: &[usize]) -> Vec<String> {
    indexes.iter().map(|index| made[*index].id.clone()).collect()
}

#[tokio::test]
async fn list_bookings_is_ordered_as_requested() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let made = requested(&harness, guest, host).await;
    for (order, expected) in [
        (BookingOrder::Unspecified, [3, 2, 1, 0]),
        (BookingOrder::CreatedDesc, [3, 2, 1, 0]),
        (BookingOrder::StartsAsc, [1, 3, 0, 2]),
        (BookingOrder::StartsDesc, [2, 0, 3, 1]),
    ] {
        for person in [guest, host] {
            let request = ListBookingsRequest {
                order_by: order.into(),
                ..Default::default()
            };
            let listed = ids(&list(&harness, person, request).await);
            assert_eq!(listed, picked(&made, &expected), "{order:?}");
        }
    }
    harness.finish().await;
}

#[tokio::test]
async fn list_bookings_by_start_continues_after_its_page_despite_changes() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let made = requested(&harness, guest, host).await;
    let page = |page_token: &str| ListBookingsRequest {
        order_by: BookingOrder::StartsAsc.into(),
        statuses: vec![BookingStatus::Pending.into()],
        page_size: 1,
        page_token: page_token.to_owned(),
        include_total: true,
        ..Default::default()
    };
    let first = list(&harness, guest, page("")).await;
    assert_eq!((ids(&first), first.total_size), (picked(&made, &[1]), Some(4)));
    // The booking of the page and the one after it leave the list.
    for gone in [1, 3] {
        harness.reject(host, &made[gone].id).await.unwrap();
    }
    let second = list(&harness, guest, page(&first.next_page_token)).await;
    assert_eq!((ids(&second), second.total_size), (picked(&made, &[0]), Some(2)));
    let third = ListBookingsRequest {
        include_total: false,
        ..page(&second.next_page_token)
    };
    let third = list(&harness, guest, third).await;
    assert_eq!(
        (ids(&third), third.total_size, third.next_page_token.as_str()),
        (picked(&made, &[2]), None, "")
    );
    // A token is bound to its order and its user.
    let other = ListBookingsRequest {
        order_by: BookingOrder::StartsDesc.into(),
        ..page(&first.next_page_token)
    };
    for (person, request) in [(guest, other), (host, page(&first.next_page_token))] {
        let call = harness.request(person, request);
        let refused = into_message(harness.client.clone().list_bookings(call).await);
        let error = assert_reason(refused, Common::InvalidArgument);
        assert_eq!(error.violations()[0].field, "page_token");
    }
    harness.finish().await;
}

#[tokio::test]
async fn list_bookings_filters_by_statuses_and_payment_status() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let made = requested(&harness, guest, host).await;
    harness.reject(host, &made[0].id).await.unwrap();
    harness.approve(host, &made[1].id).await.unwrap();
    for (status, statuses, payment_status, expected) in [
        (
            BookingStatus::Unspecified,
            vec![BookingStatus::Pending, BookingStatus::Approved],
            PaymentStatus::Unspecified,
            vec![3, 2, 1],
        ),
        (
            BookingStatus::Unspecified,
            vec![BookingStatus::Rejected, BookingStatus::Rejected],
            PaymentStatus::Unspecified,
            vec![0],
        ),
        (
            BookingStatus::Unspecified,
            vec![BookingStatus::Active],
            PaymentStatus::Unspecified,
            vec![],
        ),
        (
            BookingStatus::Approved,
            vec![BookingStatus::Pending, BookingStatus::Approved],
            PaymentStatus::Unspecified,
            vec![1],
        ),
        (
            BookingStatus::Rejected,
            vec![BookingStatus::Pending],
            PaymentStatus::Unspecified,
            vec![],
        ),
        (
            BookingStatus::Unspecified,
            vec![],
            PaymentStatus::None,
            vec![3, 2, 0],
        ),
        (
            BookingStatus::Unspecified,
            vec![],
            PaymentStatus::Pending,
            vec![1],
        ),
        (BookingStatus::Unspecified, vec![], PaymentStatus::Paid, vec![]),
    ] {
        let request = ListBookingsRequest {
            status: status.into(),
            statuses: statuses.into_iter().map(Into::into).collect(),
            payment_status: payment_status.into(),
            include_total: true,
            page_size: 1,
            ..Default::default()
        };
        // A page of one: the total ignores the page, not the filter.
        let total = list(&harness, guest, request.clone()).await.total_size;
        assert_eq!(total, Some(expected.len() as i64), "{request:?}");
        let whole = ListBookingsRequest {
            page_size: 0,
            ..request
        };
        let listed = ids(&list(&harness, guest, whole.clone()).await);
        assert_eq!(listed, picked(&made, &expected), "{whole:?}");
    }
    harness.finish().await;
}

#[tokio::test]
async fn list_bookings_filters_by_the_time_of_the_request() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let made = requested(&harness, guest, host).await;
    let created = |index: usize| made[index].created_at;
    for (created_from, created_before, expected) in [
        (created(1), created(3), vec![2, 1]),
        (created(2), None, vec![3, 2]),
        (None, created(1), vec![0]),
        // Empty and inverted ranges match nothing.
        (created(1), created(1), vec![]),
        (created(3), created(1), vec![]),
    ] {
        let request = ListBookingsRequest {
            created_from,
            created_before,
            ..Default::default()
        };
        let listed = ids(&list(&harness, host, request.clone()).await);
        assert_eq!(listed, picked(&made, &expected), "{request:?}");
    }
    let inverted = ListBookingsRequest {
        starts_from: time("2026-12-03T00:00:00Z"),
        starts_before: time("2026-12-01T00:00:00Z"),
        include_total: true,
        ..Default::default()
    };
    let page = list(&harness, guest, inverted).await;
    assert_eq!((page.bookings.len(), page.total_size), (0, Some(0)));
    harness.finish().await;
}

#[tokio::test]
async fn list_bookings_of_a_calendar_are_those_that_overlap_its_period() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    // From 09:00 to 13:00.
    for (from, before, is_shown) in [
        ("00:00", "09:00", false),
        ("00:00", "09:01", true),
        ("10:00", "11:00", true),
        ("12:59", "23:00", true),
        ("13:00", "23:00", false),
    ] {
        let at = |time: &str| Some(timestamp(&format!("2026-12-01T{time}:00Z")));
        let calendar = ListBookingsRequest {
            ends_after: at(from),
            starts_before: at(before),
            ..Default::default()
        };
        let shown = list(&harness, host, calendar).await;
        let expected = if is_shown {
            vec![booking.id.clone()]
        } else {
            vec![]
        };
        assert_eq!(ids(&shown), expected, "{from} to {before}");
    }
    harness.finish().await;
}

#[tokio::test]
async fn list_bookings_with_an_invalid_order_or_filter_names_it() {
    let harness = Harness::start().await;
    let request = ListBookingsRequest::default;
    for (request, field) in [
        (
            ListBookingsRequest {
                order_by: 9,
                ..request()
            },
            "order_by",
        ),
        (
            ListBookingsRequest {
                payment_status: 9,
                ..request()
            },
            "payment_status",
        ),
        (
            ListBookingsRequest {
                statuses: vec![1, 9],
                ..request()
            },
            "statuses[1]",
        ),
        (
            ListBookingsRequest {
                statuses: vec![0],
                ..request()
            },
            "statuses[0]",
        ),
        (
            ListBookingsRequest {
                statuses: vec![1; 7],
                ..request()
            },
            "statuses",
        ),
    ] {
        let call = harness.request(harness.guest(), request);
        let refused = into_message(harness.client.clone().list_bookings(call).await);
        let error = assert_reason(refused, Common::InvalidArgument);
        assert_eq!(error.violations()[0].field, field);
    }
    harness.finish().await;
}
