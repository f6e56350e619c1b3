//! `ListBookings` with a query: part of the car or of a message.

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;

use crate::harness::*;
use crate::reads::{ids, list};

async fn found(harness: &Harness, person: Person, query: &str) -> Vec<String> {
    let request = ListBookingsRequest {
        query: query.to_owned(),
        ..Default::default()
    };
    ids(&list(harness, person, request).await)
}

#[tokio::test]
async fn list_bookings_finds_parts_of_the_car_and_the_messages_of_both_sides() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let request = |message: &str| CreateBookingRequest {
        guest_message: Some(message.to_owned()),
        ..input(&harness.car(host))
    };
    let first = harness
        .create(guest, request("주말 여행, 100% 확실"))
        .await
        .unwrap();
    let second = harness.create(guest, request("Moving a_b HOUSE")).await.unwrap();
    let both = vec![second.id.clone(), first.id.clone()];
    for person in [guest, host] {
        for (query, expected) in [
            ("", both.clone()),
            ("  ", both.clone()),
            ("아이오닉", both.clone()),
            ("여행", vec![first.id.clone()]),
            // The address, which only the host and guests of approved bookings see.
            ("테헤란로", vec![]),
            ("house", vec![second.id.clone()]),
            ("0%", vec![first.id.clone()]),
            ("a_b", vec![second.id.clone()]),
            // No wildcards.
            ("여%행", vec![]),
            ("a_", vec![second.id.clone()]),
            ("Mo_ing", vec![]),
            ("\\", vec![]),
        ] {
            assert_eq!(found(&harness, person, query).await, expected, "{query:?}");
        }
    }
    assert_eq!(
        found(&harness, harness.guest(), "아이오닉").await,
        Vec::<String>::new()
    );

    let response = "열쇠는 문 앞에 있습니다";
    let approve = ApproveBookingRequest {
        booking_id: first.id.clone(),
        host_response: Some(response.to_owned()),
    };
    let approved = harness
        .client
        .clone()
        .approve_booking(harness.request(host, approve))
        .await;
    approved.unwrap();
    assert_eq!(found(&harness, guest, "열쇠").await, [first.id]);
    harness.finish().await;
}

/// As rows of the previous release are.
#[tokio::test]
async fn booking_without_a_search_text_is_found_by_its_messages() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let request = CreateBookingRequest {
        guest_message: Some("주말 여행".to_owned()),
        ..input(&harness.car(host))
    };
    let booking = harness.create(guest, request).await.unwrap();
    harness.execute("UPDATE bookings SET search_text = NULL").await;
    assert_eq!(found(&harness, guest, "여행").await, [booking.id]);
    assert_eq!(found(&harness, guest, "아이오닉").await, Vec::<String>::new());
    harness.finish().await;
}

#[tokio::test]
async fn list_bookings_refuses_a_long_query() {
    let harness = Harness::start().await;
    let request = ListBookingsRequest {
        query: "가".repeat(101),
        ..Default::default()
    };
    let refused = harness
        .client
        .clone()
        .list_bookings(harness.request(harness.guest(), request))
        .await;
    let error = assert_reason(into_message(refused), Common::InvalidArgument);
    assert_eq!(error.violations()[0].field, "query");
    harness.finish().await;
}
