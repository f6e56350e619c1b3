//! Nothing of a deleted account is left in any column of any table, but what `docs/RETENTION.md` says is kept. The columns are those of the
//! catalogue, so that a table that a service adds is searched without a change here.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use carshare_chassis::ManualClock;
use carshare_mesh::Mesh;
use carshare_testkit::eventually_true;
use serde_json::{Value, json};

use crate::harness::{
    Guest, Host, PASSWORD, Rest, Sql, TIMEOUT, id, mesh_with_manual_clock, next_slot, photo, put,
};

const PAGE: &str = include_str!("../../../docs/RETENTION.md");

/// Where what is searched for may be found: the column, the only kind that may (empty: any), and words of the column's row in the page that give
/// the reason.
const KEPT: [(&str, &str, &str); 4] = [
    ("*.outbox.data", "", "7 days after it was relayed"),
    ("*.idempotency.reply", "", "until the key expires, a day"),
    (
        "booking.bookings.vehicle_snapshot",
        "plate",
        "at least five years: contracts",
    ),
    (
        "payment.payment_methods.card_number",
        "charged card",
        "number and issuer of a charged card as the payments",
    ),
];

/// Something to search for: its kind, and its bytes in a text or a message.
type Needle = (&'static str, Vec<u8>);

struct Story {
    mesh: Mesh,
    clock: ManualClock,
    sql: Sql,
    host: Host,
    guest: Guest,
    /// Their bookings: cancelled by the guest after the payment, and rejected.
    bookings: [String; 2],
    needles: Vec<Needle>,
    photos: Vec<String>,
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Gives an account a name, a phone number, a picture and a device.
async fn personalize(rest: &Rest, name: &str, phone: &str, token: &str) -> String {
    let me = json!({ "name": name, "phone": phone });
    rest.put("/v1/auth/me", &me).await.ok(200);
    let announced = json!({ "content_type": "image/png", "size_bytes": photo().len() });
    let upload = rest.post("/v1/auth/me/image", &announced).await.ok(201);
    assert_eq!(put(&upload, photo()).await, 200);
    let path = format!("/v1/auth/me/image/{}/complete", text(&upload["image_id"]));
    let me = rest.put(&path, &json!({})).await.ok(200);
    let device = json!({ "token": token, "platform": "android" });
    rest.post("/v1/notifications/devices", &device).await.ok(201);
    text(&me["profile_image_url"])
}

/// A host's car with a photo and a description: the car as the host sees it.
async fn described_car(host: &Host, description: &str) -> Value {
    let car = id(&host.new_car().await.ok(201));
    host.add_photo(&car).await.ok(200);
    let path = format!("/v1/vehicles/{car}");
    host.rest
        .put(&path, &json!({ "description": description }))
        .await
        .ok(200)
}

async fn book(guest: &Guest, car: &Value, message: &str, mesh: &Mesh) -> String {
    let mut request = next_slot(mesh.now()).json();
    request["vehicle_id"] = car["id"].clone();
    request["guest_message"] = json!(message);
    id(&guest.rest.post("/v1/bookings", &request).await.ok(201))
}

/// Returns the name of the folder of a picture, which is its id.
fn folder(url: &str) -> String {
    url.rsplit('/').nth(1).expect("a folder").to_owned()
}

/// Returns what is searched for of a car; coordinates as text and as in messages.
fn needles_of_car(car: &Value) -> Vec<Needle> {
    let texts = [
        ("plate", text(&car["license_plate"])),
        ("address", text(&car["location_address"])),
        ("latitude", car["location_lat"].to_string()),
        ("longitude", car["location_lng"].to_string()),
        ("description", "우산은 트렁크에".to_owned()),
    ];
    let mut needles: Vec<Needle> = texts.map(|(kind, text)| (kind, text.into_bytes())).into();
    for (kind, field) in [("latitude", "location_lat"), ("longitude", "location_lng")] {
        let degrees = car[field].as_f64().expect("a coordinate");
        needles.push((kind, degrees.to_le_bytes().into()));
    }
    needles
}

impl Story {
    async fn run() -> Self {
        let (mesh, clock) = mesh_with_manual_clock().await;
        let (host, guest) = (Host::register(&mesh).await, Guest::register(&mesh).await);
        let host_picture =
            personalize(&host.rest, "하나뿐인호스트", "010-7391-2846", "sbx-erased-host").await;
        let guest_picture =
            personalize(&guest.rest, "하나뿐인게스트", "010-7392-2847", "sbx-erased-guest").await;
        let other = text(&guest.add_card("5330123412341234").await.ok(201)["card_number"]);
        let charged = text(&guest.add_card(carshare_sandbox::GOOD_CARD).await.ok(201)["card_number"]);
        let car = described_car(&host, "우산은 트렁크에 있습니다").await;

        let cancelled = book(&guest, &car, "공항까지 다녀옵니다", &mesh).await;
        let approval = json!({ "host_response": "지하 이층에서 만나요" });
        let path = format!("/v1/bookings/{cancelled}");
        host.rest.put(&format!("{path}/approve"), &approval).await.ok(200);
        guest.confirmed(&cancelled).await;
        let cancellation = json!({ "message": "비행기가 취소되었어요" });
        guest
            .rest
            .put(&format!("{path}/cancel"), &cancellation)
            .await
            .ok(200);
        guest
            .wait_for_booking(&cancelled, |booking| booking["payment_status"] == "refunded")
            .await;
        let rejected = book(&guest, &car, "주말에 씁니다", &mesh).await;
        let rejection = json!({ "host_response": "정비를 맡겼습니다" });
        let path = format!("/v1/bookings/{rejected}/reject");
        host.rest.put(&path, &rejection).await.ok(200);

        let photos = [&car["images"][0], &car["thumbnail_url"]].map(text);
        let texts = [
            ("first name", "박서준".to_owned()),
            ("name", "하나뿐인호스트".to_owned()),
            ("name", "하나뿐인게스트".to_owned()),
            ("e-mail", host.email.clone()),
            ("e-mail", guest.email.clone()),
            ("phone", "1073912846".to_owned()),
            ("phone", "1073922847".to_owned()),
            ("picture", folder(&host_picture)),
            ("picture", folder(&guest_picture)),
            ("push token", "sbx-erased-host".to_owned()),
            ("push token", "sbx-erased-guest".to_owned()),
            ("other card", other),
            ("charged card", charged),
            ("photo", folder(&photos[0])),
            ("message", "공항까지 다녀옵니다".to_owned()),
            ("message", "지하 이층에서".to_owned()),
            ("message", "비행기가 취소되었어요".to_owned()),
            ("message", "주말에 씁니다".to_owned()),
            ("message", "정비를 맡겼습니다".to_owned()),
        ];
        let needles = texts.map(|(kind, text)| (kind, text.into_bytes()));
        let needles = [needles.into(), needles_of_car(&car)].concat();
        Self {
            sql: Sql::of(&mesh),
            mesh,
            clock,
            bookings: [cancelled, rejected],
            photos: [photos.into(), vec![host_picture, guest_picture]].concat(),
            host,
            guest,
            needles,
        }
    }

    /// Searches every column of every table. Returns `schema.table.column: kind`.
    async fn found(&self) -> BTreeSet<String> {
        let columns = "SELECT table_schema || '.' || table_name || '.' || column_name || ':' || data_type \
             FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name) \
             WHERE table_schema IN ('auth', 'vehicle', 'booking', 'payment', 'notification') AND table_type = 'BASE TABLE'";
        let columns = self.sql.texts(columns).await;
        assert!(columns.len() > 400, "{}", columns.len());
        let mut needles = String::new();
        for (kind, bytes) in &self.needles {
            let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
                write!(hex, "{byte:02x}").expect("a string");
                hex
            });
            let comma = if needles.is_empty() { "" } else { ", " };
            write!(needles, "{comma}('{kind}', '\\x{hex}'::bytea)").expect("a string");
        }
        let mut found = BTreeSet::new();
        for column in columns {
            let (name, data_type) = column.split_once(':').expect("a type");
            let (table, field) = name.rsplit_once('.').expect("a column");
            let bytes = match data_type {
                "bytea" => format!("t.\"{field}\""),
                _ => format!("convert_to(t.\"{field}\"::text, 'UTF8')"),
            };
            let search = format!(
                "SELECT DISTINCT '{name}: ' || needle.kind FROM {table} t, (VALUES {needles}) AS needle (kind, bytes) \
                 WHERE position(needle.bytes IN {bytes}) > 0"
            );
            found.extend(self.sql.query(search).await);
        }
        found
    }

    /// Deletes an account.
    async fn delete(&self, rest: &Rest) {
        let credentials = json!({ "current_password": PASSWORD });
        rest.put("/v1/auth/me/delete", &credentials).await.ok(204);
    }
}

/// Returns whether a finding of [`Story::found`] is one of [`KEPT`].
fn is_kept(finding: &str) -> bool {
    let (column, kind) = finding.split_once(": ").expect("a kind");
    let shared = column.split_once('.').map(|(_, rest)| format!("*.{rest}"));
    KEPT.iter().any(|(kept, only, _)| {
        (*kept == column || Some(*kept) == shared.as_deref()) && (only.is_empty() || *only == kind)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_deleted_accounts_is_left_but_what_is_stated() {
    let story = Story::run().await;
    let before = story.found().await;
    let is_copy = |finding: &String| finding.contains(".outbox.") || finding.contains(".idempotency.");
    for (kind, _) in &story.needles {
        let stored = |finding: &String| finding.ends_with(&format!(": {kind}")) && !is_copy(finding);
        assert!(
            before.iter().any(stored),
            "{kind} is not found before: {before:#?}"
        );
    }
    for (column, _, _) in KEPT {
        let column = column.trim_start_matches('*');
        assert!(
            before.iter().any(|finding| finding.contains(column)),
            "{column}: {before:#?}"
        );
    }

    story.delete(&story.guest.rest).await;
    let erased = "SELECT count(*) FROM booking.user_profiles WHERE occurred_at = 'infinity'";
    eventually_true(TIMEOUT, || async { story.sql.count(erased).await == 1 }).await;
    let path = format!("/v1/bookings/{}", story.bookings[0]);
    let shown = story.host.rest.read(&path).await;
    assert_eq!(
        (&shown["guest"]["is_deleted"], &shown["guest"]["id"]),
        (&json!(true), &json!(story.guest.id))
    );
    assert_eq!(
        shown["host_response"], "지하 이층에서 만나요",
        "what the host wrote"
    );
    story.delete(&story.host.rest).await;

    let mut left = BTreeSet::new();
    for _ in 0..60 {
        story.clock.advance(Duration::from_mins(5));
        left = story
            .found()
            .await
            .into_iter()
            .filter(|finding| !is_kept(finding))
            .collect();
        if left.is_empty() {
            break;
        }
    }
    assert_eq!(left, BTreeSet::new());
    for url in &story.photos {
        let status = reqwest::get(url).await.expect("a response").status();
        assert_eq!(status.as_u16(), 404, "{url}");
    }
    let keys = "SELECT count(*) FROM payment.payment_methods WHERE billing_key_sealed IS NOT NULL";
    eventually_true(TIMEOUT, || async { story.sql.count(keys).await == 0 }).await;
    let kept = "SELECT count(*) FROM booking.bookings b JOIN payment.payments p ON p.booking_id = b.id WHERE p.state = 'refunded'";
    assert_eq!(
        story.sql.count(kept).await,
        1,
        "the record of the contract and its payment"
    );
    drop(story.mesh);
}

#[test]
fn every_kept_column_has_its_reason_in_the_page() {
    for (column, _, reason) in KEPT {
        let (table, _) = column.rsplit_once('.').expect("a column");
        let row = PAGE
            .lines()
            .find(|line| line.starts_with(&format!("| `{table}` |")));
        assert!(row.is_some_and(|row| row.contains(reason)), "{table}: {reason}");
    }
}
