//! The license plate and the exact place of the car in replies.

use carshare_proto::approximate_place::without_exact_place;
use carshare_proto::booking::v1::{Booking, BookingStatus, ListBookingsRequest};
use carshare_proto::vehicle::v1::Vehicle;

use crate::harness::*;
use crate::reads::list;

fn car_of(booking: Booking) -> Vehicle {
    booking.vehicle.unwrap()
}

async fn listed(harness: &Harness, person: Person) -> Booking {
    list(harness, person, ListBookingsRequest::default())
        .await
        .bookings
        .remove(0)
}

#[tokio::test]
async fn exact_place_is_shown_to_the_guest_from_approval_on_and_to_the_host_always() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let exact = harness.car(host);
    let approximate = without_exact_place(exact.clone());
    assert_eq!(
        (
            approximate.license_plate.as_str(),
            approximate.location_address.as_str()
        ),
        ("", "서울 강남구")
    );
    let booking = harness.pending(guest, &exact).await;
    let id = booking.id.clone();
    assert_eq!(car_of(booking.clone()), approximate);
    assert_eq!(car_of(harness.get(guest, &id).await.unwrap()), approximate);
    assert_eq!(car_of(listed(&harness, guest).await), approximate);
    assert_eq!(car_of(harness.get(host, &id).await.unwrap()), exact);
    assert_eq!(car_of(listed(&harness, host).await), exact);

    assert_eq!(car_of(harness.approve(host, &id).await.unwrap()), exact);
    assert_eq!(car_of(harness.get(guest, &id).await.unwrap()), exact);
    harness.capture(&booking).await;
    harness.clock.set(at("2026-12-01T09:00:00Z"));
    for changed in [
        harness.start_booking(guest, &id).await,
        harness.complete(guest, &id).await,
    ] {
        assert_eq!(car_of(changed.unwrap()), exact);
    }
    assert_eq!(car_of(listed(&harness, guest).await), exact);
    harness.finish().await;
}

#[tokio::test]
async fn exact_place_is_not_shown_to_the_guest_of_a_rejected_or_cancelled_booking() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let exact = harness.car(host);
    let approximate = without_exact_place(exact.clone());
    let rejected = harness.pending(guest, &exact).await;
    assert_eq!(car_of(harness.reject(host, &rejected.id).await.unwrap()), exact);
    assert_eq!(
        car_of(harness.get(guest, &rejected.id).await.unwrap()),
        approximate
    );
    harness.vehicle().holds.clear();
    let cancelled = harness.confirmed(guest, host, &exact).await;
    assert_eq!(car_of(cancelled.clone()), exact);
    let cancelled = harness.cancel(guest, &cancelled.id).await.unwrap();
    assert_eq!(cancelled.status(), BookingStatus::Cancelled);
    assert_eq!(car_of(cancelled), approximate);
    harness.finish().await;
}
