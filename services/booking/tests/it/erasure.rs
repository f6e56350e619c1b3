//! `user.deleted`: what bookings have about the account is erased, the record of the contract stays.

use carshare_proto::approximate_place::without_exact_place;
use carshare_proto::auth::v1::{UserDeleted, UserProfile, UserUpdated};
use carshare_proto::booking::v1::*;
use carshare_proto::options::v1::Role;
use carshare_proto::vehicle::v1::{DatedRate, Pricing, Vehicle};
use uuid::Uuid;

use crate::events::PeerEvent;
use crate::harness::*;

const DELETED_AT: &str = "2026-11-22T12:00:00Z";

impl Harness {
    /// Publishes that an account was deleted, and waits until nothing is left to erase.
    pub async fn delete_account(&mut self, person: Person) {
        let deleted = UserDeleted {
            user_id: person.id.to_string(),
            role: role(person).into(),
        };
        let id = self.environment.ids.next();
        self.send("auth", id, &deleted).await;
        self.handled("auth").await;
        wait_until(|| async { self.row_count("user_erasures").await == 0 }).await;
    }

    async fn car_with_description(&self, host: Person) -> Vehicle {
        let car = Vehicle {
            location_lat: 37.500_024,
            location_lng: 127.036_508,
            description: Some("문의는 01012345678".into()),
            pricing: Some(Pricing {
                dated_rates: vec![DatedRate {
                    start_date: "2030-01-01".into(),
                    end_date: "2030-01-31".into(),
                    hourly_rate: 18_000,
                    name: Some("문의는 01012345678".into()),
                }],
                long_rental_discounts: Vec::new(),
            }),
            images: vec!["https://photos.example/1.jpeg".into()],
            thumbnail_url: Some("https://photos.example/1.thumbnail.jpeg".into()),
            owner: Some(profile(host, "김호스트")),
            ..self.car(host)
        };
        self.vehicle().cars.insert(car.id.clone(), car.clone());
        car
    }

    async fn approve_with_response(&self, host: Person, booking_id: &str) {
        let booking_id = booking_id.to_owned();
        let host_response = Some("환영합니다".to_owned());
        let approval = ApproveBookingRequest {
            booking_id,
            host_response,
        };
        let call = self
            .client
            .clone()
            .approve_booking(self.request(host, approval))
            .await;
        call.unwrap();
    }

    async fn cancel_with_message(&self, person: Person, booking_id: &str) {
        let booking_id = booking_id.to_owned();
        let message = Some("일정이 바뀌었어요".to_owned());
        let cancellation = CancelBookingRequest {
            booking_id,
            message,
            expected_refund_amount: None,
        };
        let call = self
            .client
            .clone()
            .cancel_booking(self.request(person, cancellation))
            .await;
        call.unwrap();
    }

    /// Creates a booking with messages of both, which `by` has cancelled with another one.
    async fn cancelled(&self, guest: Person, host: Person, by: Person) -> Booking {
        let car = self.car_with_description(host).await;
        let id = self.pending(guest, &car).await.id;
        self.approve_with_response(host, &id).await;
        self.cancel_with_message(by, &id).await;
        self.get(host, &id).await.unwrap()
    }
}

fn role(person: Person) -> Role {
    if person.role == "host" {
        Role::Host
    } else {
        Role::Guest
    }
}

fn profile(person: Person, name: &str) -> UserProfile {
    UserProfile {
        id: person.id.to_string(),
        name: name.into(),
        role: role(person).into(),
        profile_image_url: Some("https://img.example/1.webp".into()),
        created_at: Some(timestamp("2026-01-02T03:04:05Z")),
        ..UserProfile::default()
    }
}

fn deleted_profile(person: Person) -> UserProfile {
    UserProfile {
        id: person.id.to_string(),
        role: role(person).into(),
        created_at: Some(timestamp(DELETED_AT)),
        is_deleted: true,
        ..UserProfile::default()
    }
}

fn without_cancellation_message(cancellation: Option<Cancellation>) -> Option<Cancellation> {
    cancellation.map(|cancellation| Cancellation {
        message: None,
        ..cancellation
    })
}

#[tokio::test]
async fn deleted_guest_leaves_bookings_without_their_messages() {
    let mut harness = Harness::start().await;
    let (guest, other, host) = (harness.guest(), harness.guest(), harness.host());
    let by_guest = harness.cancelled(guest, host, guest).await;
    let by_host = harness.cancelled(guest, host, host).await;
    let of_other = harness.cancelled(other, host, other).await;
    let history = harness.history(&by_guest).await;
    harness.delete_account(guest).await;

    let expected = Booking {
        guest: Some(deleted_profile(guest)),
        guest_message: None,
        cancellation: without_cancellation_message(by_guest.cancellation.clone()),
        ..by_guest.clone()
    };
    assert_eq!(harness.get(host, &by_guest.id).await.unwrap(), expected);
    let expected = Booking {
        guest: Some(deleted_profile(guest)),
        guest_message: None,
        ..by_host.clone()
    };
    assert_eq!(expected.host_response.as_deref(), Some("환영합니다"));
    assert_eq!(harness.get(host, &by_host.id).await.unwrap(), expected);
    assert_eq!(harness.get(host, &of_other.id).await.unwrap(), of_other);
    assert_eq!(harness.history(&by_guest).await, history);
    harness.finish().await;
}

#[tokio::test]
async fn deleted_host_leaves_bookings_without_their_messages_and_the_exact_place() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let by_guest = harness.cancelled(guest, host, guest).await;
    let by_host = harness.cancelled(guest, host, host).await;
    harness.delete_account(host).await;

    let exact = by_host.vehicle.clone().unwrap();
    assert_eq!(exact.location_address, "서울 강남구 테헤란로 152");
    let car = Vehicle {
        license_plate: exact.license_plate.clone(),
        description: None,
        pricing: None,
        images: Vec::new(),
        thumbnail_url: None,
        owner: Some(deleted_profile(host)),
        ..without_exact_place(exact)
    };
    let expected = Booking {
        vehicle: Some(car.clone()),
        host_response: None,
        cancellation: without_cancellation_message(by_host.cancellation.clone()),
        ..by_host.clone()
    };
    assert_eq!(harness.get(host, &by_host.id).await.unwrap(), expected);
    let kept = harness.get(host, &by_guest.id).await.unwrap();
    assert_eq!(
        (kept.cancellation, kept.guest_message),
        (by_guest.cancellation, by_guest.guest_message)
    );
    assert_eq!(
        (kept.vehicle.unwrap().license_plate, kept.host_response),
        (car.license_plate, None)
    );
    harness.finish().await;
}

#[tokio::test]
async fn event_of_a_payment_after_the_erasure_brings_nothing_back() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.confirmed(guest, host, &harness.car(host)).await;
    harness.cancel_with_message(guest, &booking.id).await;
    harness.delete_account(guest).await;
    harness
        .send_peer_event(&booking, PeerEvent::Refunded, Uuid::nil())
        .await;
    harness.handled("payment").await;
    let kept = harness.get(host, &booking.id).await.unwrap();
    assert_eq!(kept.payment_status(), PaymentStatus::Refunded);
    assert_eq!(
        (kept.guest_message, kept.cancellation.unwrap().message),
        (None, None)
    );
    harness.finish().await;
}

#[tokio::test]
async fn more_bookings_than_a_batch_are_erased() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    harness.cancelled(guest, host, guest).await;
    let columns = "version, vehicle_id, guest_id, host_id, starts_at, ends_at, hourly_rate_krw, total_krw, platform_fee_krw, \
         refund_full_until_s, refund_part_until_s, refund_part_bps, vehicle_snapshot, status, payment_status, guest_message, \
         host_response, respond_by, payment_due_at, confirmed_at, cancellation_reason, cancellation_message, refund_krw, \
         cancelled_at, refunded_krw, updated_at";
    // Every second one has the same time as the one before it.
    let copies = format!(
        "INSERT INTO bookings (id, created_at, {columns}) \
         SELECT gen_random_uuid(), created_at + (n / 2) * interval '1 second', {columns} FROM bookings, generate_series(1, 249) n"
    );
    harness.execute(&copies).await;
    for person in [guest, host] {
        harness.delete_account(person).await;
    }
    let erased = "SELECT count(*) AS count FROM bookings WHERE guest_message IS NULL AND host_response IS NULL \
                  AND cancellation_message IS NULL AND position('010'::bytea IN vehicle_snapshot) = 0";
    assert_eq!(harness.count(erased).await, 250);
    harness.finish().await;
}

#[tokio::test]
async fn profile_of_a_deleted_account_stays_erased_whatever_event_follows() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    let updated = UserUpdated {
        user_id: guest.id.to_string(),
        profile: Some(profile(guest, "김민지")),
    };
    harness.send("auth", Uuid::from_u128(1), &updated).await;
    harness.delete_account(guest).await;
    for (id, time) in [(2, "2026-11-22T11:00:00Z"), (3, "2026-11-22T13:00:00Z")] {
        harness
            .send_as_of("auth", Uuid::from_u128(id), &updated, time)
            .await;
    }
    harness.handled("auth").await;
    let shown = harness.get(host, &booking.id).await.unwrap().guest;
    assert_eq!(shown, Some(deleted_profile(guest)));
    harness.clock.advance(hours(1));
    harness.delete_account(guest).await;
    let shown = harness.get(host, &booking.id).await.unwrap().guest;
    assert_eq!(shown, Some(deleted_profile(guest)), "a repeat changes nothing");
    harness.finish().await;
}

#[tokio::test]
async fn account_that_booking_does_not_know_is_erased() {
    let mut harness = Harness::start().await;
    let unknown = harness.guest();
    harness.delete_account(unknown).await;
    let stored = "SELECT count(*) AS count FROM user_profiles WHERE occurred_at = 'infinity'";
    assert_eq!(harness.count(stored).await, 1);
    harness.finish().await;
}
