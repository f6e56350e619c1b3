//! Export of a user's data: everything they can read, exactly once, and recognisably incomplete if it ends early.

mod client;
mod ends;

use std::collections::BTreeSet;

use carshare_proto::auth::export::v1::export_record::Record;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{GrpcClient, Guest, Rest, Setup, invariants};
use client::{export, export_over, export_over_connect, is_end, kinds, without_end};

/// Kinds of records, and the lists that have them.
const LISTS: [(&str, &str); 8] = [
    ("session", "/v1/auth/sessions"),
    ("security_event", "/v1/auth/security_events"),
    ("vehicle", "/v1/vehicles/mine"),
    ("booking", "/v1/bookings"),
    ("coupon", "/v1/coupons"),
    ("payment", "/v1/payments/history"),
    ("payment_method", "/v1/payments/methods"),
    ("notification", "/v1/notifications"),
];

/// Returns the records that a user's lists have, without the end.
async fn listed(rest: &Rest, without: &[&str]) -> Vec<Value> {
    let mut records = vec![json!({ "account": rest.get("/v1/auth/me").await.ok(200) })];
    for (kind, path) in LISTS.iter().filter(|(kind, _)| !without.contains(kind)) {
        let page_size = if *kind == "payment_method" {
            ""
        } else {
            "?page_size=200"
        };
        let items = rest.get(&format!("{path}{page_size}")).await.ok(200);
        for item in items.as_array().expect("a list") {
            records.push(json!({ *kind: item }));
            if *kind == "booking" {
                let id = item["id"].as_str().expect("an id");
                let changes = rest.get(&format!("/v1/bookings/{id}/changes")).await.ok(200);
                let changes = changes.as_array().expect("a list").iter();
                records.extend(changes.map(|change| json!({ "booking_change": change })));
                let handover = rest.get(&format!("/v1/bookings/{id}/handover")).await.ok(200);
                if handover["entries"]
                    .as_array()
                    .is_some_and(|entries| !entries.is_empty())
                {
                    records.push(json!({ "handover": handover }));
                }
                let claims = rest.get(&format!("/v1/bookings/{id}/claims")).await.ok(200);
                let claims = claims.as_array().expect("a list").iter();
                records.extend(claims.map(|claim| json!({ "booking_claim": claim })));
            }
            if *kind == "vehicle" {
                let id = item["id"].as_str().expect("an id");
                let rules = rest.get(&format!("/v1/vehicles/{id}/availability")).await.ok(200);
                let rules = rules.as_array().expect("a list").iter();
                records.extend(rules.map(|rule| json!({ "availability": rule })));
            }
        }
    }
    let devices = rest.get("/v1/notifications/devices").await.ok(200);
    let devices = devices.as_array().expect("a list").iter();
    records.extend(devices.map(|device| json!({ "device": device })));
    records
}

fn an_hour_after(time: &Value) -> String {
    let time: DateTime<Utc> = time.as_str().expect("a time").parse().expect("a time");
    (time + TimeDelta::hours(1)).to_rfc3339()
}

/// Gives host and guest rows of every kind.
async fn populate(setup: &Setup) {
    let confirmed = setup.confirmed().await;
    let path = format!("/v1/bookings/{confirmed}/changes");
    let booking = setup.guest.booking(&confirmed).await;
    let change = json!({ "end_datetime": an_hour_after(&booking["end_datetime"]) });
    setup.guest.rest.post(&path, &change).await.ok(201);
    let cancelled = setup.requested().await;
    setup.guest.cancel(&cancelled).await.ok(200);
    let rule = json!({ "day_of_week": 1, "start_time": "09:00", "end_time": "18:00", "is_recurring": true });
    let path = format!("/v1/vehicles/{}/availability", setup.car);
    setup.host.rest.post(&path, &rule).await.ok(201);
    setup.host.new_car().await.ok(201);
    for (rest, token) in [
        (&setup.host.rest, "host-phone"),
        (&setup.guest.rest, "guest-phone"),
    ] {
        let device = json!({ "token": token, "platform": "android" });
        rest.post("/v1/notifications/devices", &device).await.ok(201);
    }
    invariants::wait_until_quiescent(&setup.mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn export_has_each_row_of_the_users_lists_once_and_nothing_of_others() {
    let setup = Setup::start().await;
    populate(&setup).await;
    let stranger = Guest::register(&setup.mesh).await;
    invariants::wait_until_quiescent(&setup.mesh).await;

    let of_guest = without_end(export(&setup.guest.rest).await);
    assert_eq!(of_guest, listed(&setup.guest.rest, &["vehicle"]).await);
    let all = [
        "account",
        "booking",
        "booking_change",
        "device",
        "notification",
        "payment",
        "payment_method",
        "security_event",
        "session",
    ];
    assert_eq!(kinds(&of_guest), BTreeSet::from(all));

    let of_host = without_end(export(&setup.host.rest).await);
    assert_eq!(of_host, listed(&setup.host.rest, &["payment_method"]).await);
    let all = [
        "account",
        "availability",
        "booking",
        "booking_change",
        "device",
        "notification",
        "payment",
        "security_event",
        "session",
        "vehicle",
    ];
    assert_eq!(kinds(&of_host), BTreeSet::from(all));

    let of_stranger = without_end(export(&stranger.rest).await);
    assert_eq!(of_stranger, listed(&stranger.rest, &["vehicle"]).await);
    let text = json!(of_stranger).to_string();
    assert!(
        !text.contains(&setup.guest.id) && !text.contains(&setup.host.id),
        "{text}"
    );
    setup.assert_consistent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn export_is_the_same_over_every_protocol() {
    let setup = Setup::start().await;
    populate(&setup).await;
    let expected = export(&setup.guest.rest).await.len();
    let mut exports = Vec::new();
    for wire in GrpcClient::all(&setup.mesh).await {
        let (mut records, error) = export_over(&wire, &setup.guest.rest).await;
        assert_eq!(
            (records.len(), error.map(|error| error.code())),
            (expected, None),
            "{:?}",
            wire.form
        );
        let Some(Record::End(end)) = records.pop().and_then(|record| record.record) else {
            panic!("no end over {:?}", wire.form)
        };
        assert_eq!(end.record_count.cast_unsigned(), records.len() as u64);
        assert!(!records.iter().any(is_end));
        exports.push(records);
    }
    assert!(exports.iter().all(|records| *records == exports[0]));
    let (messages, end) = export_over_connect(&setup.guest.rest).await;
    assert_eq!(messages.len(), expected);
    assert_eq!(
        messages.last().expect("an end")["end"]["recordCount"],
        json!((expected - 1).to_string())
    );
    assert!(end["error"].is_null(), "{end}");
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_are_json_lines_for_clients_that_accept_them() {
    let setup = Setup::start().await;
    let request = setup.host.rest.request(Method::GET, "/v1/notifications/stream");
    let request = request.header("accept", "application/x-ndjson");
    let mut response = request.send().await.expect("a response");
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let first = response.chunk().await.expect("an open stream").expect("a line");
    // A chunk may have the lines of several messages.
    let first = first.split(|byte| *byte == b'\n').next().expect("a line");
    let first: Value = serde_json::from_slice(first).expect("one line of JSON");
    assert!(
        first["cursor"].is_string() && first["heartbeat"]["time"].is_string(),
        "{first}"
    );
}
