//! Callers of the matrix, their tokens, and the resources that others own.

use carshare_mesh::Mesh;
use carshare_proto::options::v1::Role;
use carshare_testkit::Tokens;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::harness::{Guest, Host, Ids, Rest, Sql, id, next_slot, tokens};

/// Queries for the ids that `POST` replies do not have.
const IDS: [(&str, &str); 4] = [
    ("image_id", "SELECT id::text FROM vehicle.vehicle_images LIMIT 1"),
    ("device_id", "SELECT id::text FROM notification.devices LIMIT 1"),
    (
        "payment_method_id",
        "SELECT id::text FROM payment.payment_methods LIMIT 1",
    ),
    (
        "notification_id",
        "SELECT id::text FROM notification.notifications LIMIT 1",
    ),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    Anonymous,
    Guest,
    Host,
    Admin,
    /// A guest who names resources of others.
    OtherGuest,
    /// A host who names resources of others.
    OtherHost,
    /// A guest whose access token has expired.
    Expired,
    /// A guest who has logged out.
    Revoked,
}

impl Caller {
    /// Callers that name resources of others. None of their calls has an effect.
    pub const STRANGERS: [Self; 2] = [Self::OtherGuest, Self::OtherHost];
    pub const OTHERS: [Self; 6] = [
        Self::Anonymous,
        Self::Guest,
        Self::Host,
        Self::Admin,
        Self::Expired,
        Self::Revoked,
    ];

    pub fn is_stranger(self) -> bool {
        Self::STRANGERS.contains(&self)
    }

    pub fn role(self) -> Option<Role> {
        match self {
            Self::Guest | Self::OtherGuest => Some(Role::Guest),
            Self::Host | Self::OtherHost => Some(Role::Host),
            Self::Admin => Some(Role::Admin),
            Self::Anonymous | Self::Expired | Self::Revoked => None,
        }
    }
}

pub struct Callers {
    tokens: Tokens,
    now: DateTime<Utc>,
    guest: Uuid,
    host: Uuid,
    revoked: String,
    owners: (Host, Guest),
    /// Resources of the owners.
    pub ids: Ids,
}

impl Callers {
    pub async fn prepare(mesh: &Mesh) -> Self {
        let sql = Sql::of(mesh);
        let owners = (Host::register(mesh).await, Guest::with_card(mesh).await);
        let ids = resources(mesh, &sql, &owners).await;
        let leaver = Guest::register(mesh).await.rest;
        leaver.post("/v1/auth/logout", &json!({})).await.ok(204);
        let uuid = |id: String| id.parse().expect("a UUID");
        Self {
            tokens: tokens(&sql).await,
            now: mesh.now(),
            guest: uuid(Guest::register(mesh).await.id),
            host: uuid(Host::register(mesh).await.id),
            revoked: leaver.token().to_owned(),
            owners,
            ids,
        }
    }

    /// Returns an access token of a session of its own, so that a call that ends the session has no effect on others.
    pub fn token(&self, caller: Caller) -> Option<String> {
        let mint = |role: &str, user: Uuid| Some(self.tokens.mint(role, user, self.now));
        match caller {
            Caller::Anonymous => None,
            Caller::Guest | Caller::OtherGuest => mint("guest", self.guest),
            Caller::Host | Caller::OtherHost => mint("host", self.host),
            Caller::Admin => mint("admin", Uuid::from_u128(7)),
            Caller::Expired => Some(
                self.tokens
                    .mint("guest", self.guest, self.now - TimeDelta::hours(1)),
            ),
            Caller::Revoked => Some(self.revoked.clone()),
        }
    }

    pub async fn assert_owners_find_their_resources(&self) {
        let (host, guest) = (&self.owners.0.rest, &self.owners.1.rest);
        let of = |name: &str| &self.ids[name];
        let (booking, car) = (of("booking_id"), of("vehicle_id"));
        assert_eq!(
            guest.get(&format!("/v1/bookings/{booking}")).await.ok(200)["status"],
            "pending"
        );
        assert_eq!(
            host.get(&format!("/v1/vehicles/{car}")).await.ok(200)["status"],
            "active"
        );
        assert_listed(guest, "/v1/payments/methods", of("payment_method_id")).await;
        assert_listed(host, &format!("/v1/vehicles/{car}/images"), of("image_id")).await;
        assert_listed(
            host,
            &format!("/v1/vehicles/{car}/availability"),
            of("availability_id"),
        )
        .await;
        let device = of("device_id");
        let removed = guest.delete(&format!("/v1/notifications/devices/{device}")).await;
        assert!(removed.status.is_success(), "{}", removed.body);
    }
}

async fn assert_listed(rest: &Rest, path: &str, id: &str) {
    let list = rest.get(path).await.ok(200);
    let mut listed = list.as_array().expect("a bare array").iter();
    assert!(listed.any(|item| item["id"] == id), "{path}: {list}");
}

/// Creates a resource of each kind, and returns their ids.
async fn resources(mesh: &Mesh, sql: &Sql, (host, guest): &(Host, Guest)) -> Ids {
    let car = host.car().await;
    let rule = json!({ "day_of_week": 1, "start_time": "00:00", "end_time": "24:00", "is_recurring": true });
    let booking = guest.request(&car, next_slot(mesh.now())).await;
    let availability = host
        .rest
        .post(&format!("/v1/vehicles/{car}/availability"), &rule)
        .await;
    let device = json!({ "token": "phone-1", "platform": "ios" });
    let device = guest.rest.post("/v1/notifications/devices", &device).await;
    assert!(device.status.is_success(), "{}", device.body);
    let mut ids = Ids::from([
        ("vehicle_id", car),
        ("booking_id", booking),
        ("availability_id", id(&availability.ok(201))),
    ]);
    for (name, query) in IDS {
        let mut found = sql.texts(query).await;
        assert_eq!(found.len(), 1, "{name}");
        ids.insert(name, found.remove(0));
    }
    ids
}
