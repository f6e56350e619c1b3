//! Events of the other services: the test writes them to the Redis Streams and waits until booking has handled them.

use carshare_proto::auth::v1::{UserProfile, UserRegistered, UserUpdated};
use carshare_proto::booking::v1::{Booking, PaymentStatus};
use carshare_proto::events::EventMessage;
use carshare_proto::options::v1::Role;
use carshare_proto::payment::v1::{PaymentCompleted, PaymentFailed, PaymentRefunded};
use carshare_proto::vehicle::v1::VehicleHoldLost;
use redis::AsyncCommands as _;
use redis::streams::StreamInfoGroupsReply;
use uuid::Uuid;

use crate::harness::{Harness, Person, timestamp, wait_until};

/// An event about a booking that another service may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerEvent {
    Completed,
    Failed,
    Refunded,
    HoldLost,
}

impl Harness {
    /// Publishes the capture of the payment and waits until booking has handled it.
    pub async fn capture(&mut self, booking: &Booking) {
        self.send_peer_event(booking, PeerEvent::Completed, Uuid::from_u128(1))
            .await;
        self.handled("payment").await;
    }

    /// Sends an event about a booking. Its id depends on the booking, the event and `salt`: equal ones are redeliveries.
    pub async fn send_peer_event(&mut self, booking: &Booking, event: PeerEvent, salt: Uuid) {
        let booking_id = booking.id.clone();
        let id =
            Uuid::from_u128(salt.as_u128() ^ Uuid::parse_str(&booking_id).unwrap().as_u128() ^ event as u128);
        match event {
            PeerEvent::Completed => {
                let paid_at = Some(timestamp("2026-11-22T12:00:00Z"));
                let amount = booking.total_amount;
                self.send(
                    "payment",
                    id,
                    &PaymentCompleted {
                        booking_id,
                        amount,
                        paid_at,
                        ..Default::default()
                    },
                )
                .await;
            }
            PeerEvent::Failed => {
                let failure_code = "REJECT_CARD_PAYMENT".into();
                self.send(
                    "payment",
                    id,
                    &PaymentFailed {
                        booking_id,
                        failure_code,
                        ..Default::default()
                    },
                )
                .await;
            }
            PeerEvent::Refunded => {
                let refunded_amount = booking.total_amount;
                self.send(
                    "payment",
                    id,
                    &PaymentRefunded {
                        booking_id,
                        refunded_amount,
                        refunded_total: refunded_amount,
                        captured_amount: refunded_amount,
                        ..Default::default()
                    },
                )
                .await;
            }
            PeerEvent::HoldLost => {
                let vehicle_id = booking.vehicle_id.clone();
                self.send(
                    "vehicle",
                    id,
                    &VehicleHoldLost {
                        vehicle_id,
                        booking_id,
                    },
                )
                .await;
            }
        }
    }

    /// Appends an event to the stream of a service.
    pub async fn send<E: EventMessage>(&mut self, service: &str, id: Uuid, event: &E) {
        let occurred_at = self.clock.now().to_rfc3339();
        self.send_as_of(service, id, event, &occurred_at).await;
    }

    pub async fn send_as_of<E: EventMessage>(
        &mut self,
        service: &str,
        id: Uuid,
        event: &E,
        occurred_at: &str,
    ) {
        let key_seq = self.sequence(service, event.key(), id);
        let fields = [
            ("id", id.to_string().into_bytes()),
            ("name", E::NAME.into()),
            ("key", event.key().into()),
            ("key_seq", key_seq.to_string().into_bytes()),
            ("occurred_at", occurred_at.into()),
            ("correlation_id", "test".into()),
            ("traceparent", Vec::new()),
            ("data", event.encode_to_vec()),
        ];
        let _: String = self
            .redis
            .xadd(format!("carshare:events:{service}"), "*", &fields)
            .await
            .unwrap();
    }

    /// Returns the sequence number of an event within its key: the next one, or for a redelivery the same one.
    fn sequence(&mut self, service: &str, key: &str, id: Uuid) -> usize {
        let sent = self.sent.entry(format!("{service} {key}")).or_default();
        let known = sent.iter().position(|sent| *sent == id);
        let index = known.unwrap_or_else(|| {
            sent.push(id);
            sent.len() - 1
        });
        index + 1
    }

    /// Waits until booking has handled every event in the stream of a service.
    pub async fn handled(&self, service: &str) {
        let stream = format!("carshare:events:{service}");
        wait_until(|| async {
            let groups: StreamInfoGroupsReply =
                self.redis.clone().xinfo_groups(&stream).await.unwrap_or_default();
            groups
                .groups
                .iter()
                .any(|group| group.name == "booking" && group.pending == 0 && group.lag == Some(0))
        })
        .await;
        wait_until(|| async { self.count("SELECT count(*) AS count FROM inbox").await == 0 }).await;
    }
}

fn profile(person: Person, name: &str) -> UserProfile {
    UserProfile {
        id: person.id.to_string(),
        name: name.into(),
        role: Role::Guest.into(),
        profile_image_url: Some("https://img.example/1.webp".into()),
        profile_thumbnail_url: Some("https://img.example/1.thumbnail.webp".into()),
        is_verified: true,
        created_at: Some(timestamp("2026-01-02T03:04:05Z")),
        is_deleted: false,
        rating: None,
    }
}

#[tokio::test]
async fn profiles_show_the_latest_update_of_auth() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    let unknown = booking.guest.unwrap();
    assert_eq!(
        (unknown.id, unknown.name, unknown.role),
        (guest.id.to_string(), String::new(), Role::Guest.into())
    );

    let user_id = guest.id.to_string();
    let registered = UserRegistered {
        user_id: user_id.clone(),
        profile: Some(profile(guest, "김민지")),
    };
    harness.send("auth", Uuid::from_u128(1), &registered).await;
    harness.handled("auth").await;
    let seen = harness.get(host, &booking.id).await.unwrap().guest;
    assert_eq!(seen, Some(profile(guest, "김민지")));

    let updated = UserUpdated {
        user_id,
        profile: Some(profile(guest, "김민지나")),
    };
    harness
        .send_as_of("auth", Uuid::from_u128(2), &updated, "2026-11-22T12:00:01Z")
        .await;
    // An older event that arrives late is ignored.
    harness
        .send_as_of("auth", Uuid::from_u128(3), &registered, "2026-11-22T11:59:59Z")
        .await;
    harness.handled("auth").await;
    let seen = harness.get(host, &booking.id).await.unwrap().guest;
    assert_eq!(seen, Some(profile(guest, "김민지나")));
    harness.finish().await;
}

#[tokio::test]
async fn events_of_an_unknown_booking_are_ignored() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    let elsewhere = Booking {
        id: harness.guest().id.to_string(),
        ..booking.clone()
    };
    for event in [PeerEvent::Completed, PeerEvent::HoldLost] {
        harness.send_peer_event(&elsewhere, event, Uuid::nil()).await;
    }
    harness.handled("payment").await;
    harness.handled("vehicle").await;
    assert_eq!(harness.get(guest, &booking.id).await.unwrap(), booking);
    assert_eq!(booking.payment_status(), PaymentStatus::None);
    harness.finish().await;
}
