//! `CloseUser`, and the bookings that a closed user cannot have.

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::ErrorReason as VehicleReason;
use carshare_service_testkit::from_service;
use futures::future::join;
use sea_orm::ConnectionTrait as _;
use tonic::{Request, Status};
use uuid::Uuid;

use crate::events::PeerEvent;
use crate::harness::*;

const CLOSED: (bool, i64) = (true, 0);

impl Harness {
    /// Returns whether the user is closed, and the number of open bookings.
    pub async fn close(&self, person: Person, attempt: i64) -> Result<(bool, i64), Status> {
        let request = CloseUserRequest {
            user_id: person.id.to_string(),
            attempt,
        };
        let reply = self
            .client
            .clone()
            .close_user(from_service("auth", request))
            .await;
        into_message(reply).map(|reply| (reply.is_closed, reply.open_bookings))
    }

    async fn assert_guest_is_closed(&self, guest: Person) {
        let released = self.vehicle().released.len();
        let refused = self.create(guest, input(&self.car(self.host()))).await;
        let error = assert_reason(refused, ErrorReason::AccountClosed);
        assert_eq!(error.spec().code, "BOOKING012");
        wait_until(|| async { self.vehicle().released.len() == released + 1 }).await;
    }

    async fn assert_host_is_closed(&self, host: Person) {
        let released = self.vehicle().released.len();
        let refused = self.create(self.guest(), input(&self.car(host))).await;
        assert_reason(refused, VehicleReason::VehicleNotFound);
        wait_until(|| async { self.vehicle().released.len() == released + 1 }).await;
    }
}

#[tokio::test]
async fn close_user_with_a_live_booking_closes_neither_guest_nor_host() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    let refused = async |attempt| {
        for person in [guest, host] {
            assert_eq!(harness.close(person, attempt).await.unwrap(), (false, 1));
        }
    };
    refused(1).await;
    harness.approve(host, &booking.id).await.unwrap();
    refused(2).await;
    harness.capture(&booking).await;
    harness.clock.set(at("2026-12-01T09:00:00Z"));
    harness.start_booking(guest, &booking.id).await.unwrap();
    for person in [guest, host] {
        assert_eq!(harness.close(person, 3).await.unwrap(), (false, 1));
    }
    harness.complete(guest, &booking.id).await.unwrap();
    for person in [guest, host] {
        assert_eq!(harness.close(person, 4).await.unwrap(), CLOSED);
    }
    harness.finish().await;
}

#[tokio::test]
async fn close_user_waits_for_the_refund_of_a_cancelled_booking() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    harness.cancel(host, &booking.id).await.unwrap();
    assert_eq!(harness.close(guest, 1).await.unwrap(), (false, 1));
    harness
        .send_peer_event(&booking, PeerEvent::Refunded, Uuid::nil())
        .await;
    harness.handled("payment").await;
    assert_eq!(harness.close(guest, 2).await.unwrap(), CLOSED);
    harness.finish().await;
}

#[tokio::test]
async fn closed_guest_cannot_book_and_cars_of_a_closed_host_are_not_found() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    for person in [guest, host] {
        assert_eq!(harness.close(person, 1).await.unwrap(), CLOSED);
    }
    harness.assert_guest_is_closed(guest).await;
    harness.assert_host_is_closed(host).await;
    assert_eq!(harness.booking_count().await, 0);
    // Others are not concerned.
    harness
        .pending(harness.guest(), &harness.car(harness.host()))
        .await;
    harness.finish().await;
}

#[tokio::test]
async fn insertion_of_the_previous_release_is_refused_too() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    harness.cancel(guest, &booking.id).await.unwrap();
    assert_eq!(harness.close(guest, 1).await.unwrap(), CLOSED);
    let insert = "WITH live AS MATERIALIZED (SELECT * FROM bookings, lock_live_bookings(guest_id, tstzrange(starts_at, ends_at))) \
                  INSERT INTO bookings (id, vehicle_id, guest_id, host_id, starts_at, ends_at, hourly_rate_krw, total_krw, platform_fee_krw, \
                      refund_full_until_s, refund_part_until_s, refund_part_bps, vehicle_snapshot, respond_by, created_at, updated_at, version, \
                      status, payment_status) \
                  SELECT gen_random_uuid(), vehicle_id, guest_id, host_id, starts_at, ends_at, hourly_rate_krw, total_krw, platform_fee_krw, \
                      refund_full_until_s, refund_part_until_s, refund_part_bps, vehicle_snapshot, respond_by, created_at, updated_at, 1, \
                      'pending', 'none' FROM live WHERE open < 5 AND overlapping < 5";
    let refused = harness.db.conn().execute_unprepared(insert).await.unwrap_err();
    assert!(refused.to_string().contains("the guest is closed"), "{refused}");
    harness.finish().await;
}

#[tokio::test]
async fn each_attempt_is_decided_once_and_older_ones_close_nothing() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    assert_eq!(harness.close(guest, 2).await.unwrap(), (false, 1));
    harness.cancel(guest, &booking.id).await.unwrap();
    for decided in [2, 1] {
        assert_eq!(harness.close(guest, decided).await.unwrap(), (false, 0));
    }
    harness.pending(guest, &harness.car(host)).await;
    assert_eq!(harness.close(guest, 3).await.unwrap(), (false, 1));
    // A closed user stays closed.
    for attempt in [2, 2, 1] {
        assert_eq!(harness.close(harness.host(), attempt).await.unwrap(), CLOSED);
    }
    let closed = harness.guest();
    for attempt in [2, 2, 1, 3] {
        assert_eq!(harness.close(closed, attempt).await.unwrap(), CLOSED);
    }
    harness.assert_guest_is_closed(closed).await;
    harness.finish().await;
}

#[tokio::test]
async fn close_user_of_other_callers_and_invalid_requests_are_refused() {
    let harness = Harness::start().await;
    let request = CloseUserRequest {
        user_id: "x".into(),
        attempt: 0,
    };
    let invalid = harness
        .client
        .clone()
        .close_user(from_service("auth", request.clone()))
        .await;
    let error = assert_reason(into_message(invalid), Common::InvalidArgument);
    let fields: Vec<_> = error
        .violations()
        .iter()
        .map(|violation| &violation.field)
        .collect();
    assert_eq!(fields, ["user_id", "attempt"]);
    let other = harness
        .client
        .clone()
        .close_user(from_service("payment", request.clone()))
        .await;
    assert_eq!(other.unwrap_err().code(), tonic::Code::PermissionDenied);
    let admin = harness
        .client
        .clone()
        .close_user(harness.request(harness.person("admin"), request))
        .await;
    assert_eq!(admin.unwrap_err().code(), tonic::Code::Unauthenticated);
    harness.finish().await;
}

/// Creates the bookings while the user is closed: either bookings exist, or the user is closed. Returns whether it is.
async fn race(harness: &Harness, user: Person, requests: Vec<Request<CreateBookingRequest>>) -> bool {
    let ((accepted, _), closed) =
        join(harness.create_on_two_replicas(requests), harness.close(user, 1)).await;
    let closed = closed.unwrap();
    assert_eq!(harness.booking_count().await, accepted.len() as i64);
    assert_eq!(
        closed.0,
        accepted.is_empty(),
        "{closed:?}, {} bookings",
        accepted.len()
    );
    closed.0
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_a_guest_and_fifty_requests_exclude_one_another() {
    let harness = Harness::start_with(|config| {
        config.booking.max_open_requests = 100;
        config.booking.max_overlapping_bookings = 100;
    })
    .await;
    let (guest, host) = (harness.guest(), harness.host());
    let requests = (0..50).map(|_| harness.request(guest, input(&harness.car(host))));
    if race(&harness, guest, requests.collect()).await {
        harness.assert_guest_is_closed(guest).await;
    }
    harness.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_a_host_and_fifty_requests_exclude_one_another() {
    let harness = Harness::start().await;
    let host = harness.host();
    let requests = (0..50).map(|_| harness.request(harness.guest(), input(&harness.car(host))));
    if race(&harness, host, requests.collect()).await {
        harness.assert_host_is_closed(host).await;
    }
    harness.finish().await;
}

/// Both hold their car when the first of them is committed.
#[tokio::test(flavor = "multi_thread")]
async fn request_that_holds_its_car_when_the_user_is_closed_is_refused() {
    for role in ["guest", "host"] {
        let harness = Harness::start().await;
        let (guest, host) = (harness.guest(), harness.host());
        let car = harness.car(host);
        let delivery = std::sync::Arc::new(tokio::sync::Notify::new());
        harness.vehicle().replies = crate::vehicle_stub::Replies::Delayed(delivery.clone());
        let closing = async {
            wait_until(|| async { !harness.vehicle().placed.is_empty() }).await;
            let closed = harness.close(if role == "guest" { guest } else { host }, 1).await;
            delivery.notify_one();
            closed.unwrap()
        };
        let (refused, closed) = join(harness.create(guest, input(&car)), closing).await;
        assert_eq!(closed, CLOSED);
        if role == "guest" {
            assert_reason(refused, ErrorReason::AccountClosed);
        } else {
            assert_reason(refused, VehicleReason::VehicleNotFound);
        }
        assert_eq!(harness.booking_count().await, 0);
        wait_until(|| async { harness.vehicle().released.len() == 1 }).await;
        harness.finish().await;
    }
}
