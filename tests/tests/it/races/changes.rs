//! Concurrent bookings, approvals, extensions and swaps of one car.

use carshare_mesh::Mesh;
use chrono::TimeDelta;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Guest, Host, Response, Rest, Slot, id, invariants, mesh, next_slot};

/// A confirmed booking of a guest.
struct Rental {
    guest: Guest,
    id: String,
    slot: Slot,
}

async fn confirmed(mesh: &Mesh, host: &Host, car: &str, slot: Slot) -> Rental {
    let guest = Guest::with_card(mesh).await;
    let id = guest.request(car, slot).await;
    host.approve(&id).await.ok(200);
    guest.confirmed(&id).await;
    Rental { guest, id, slot }
}

fn hours(first: Slot, from: i64, to: i64) -> Slot {
    Slot {
        start: first.start + TimeDelta::hours(from),
        end: first.start + TimeDelta::hours(to),
    }
}

/// Asserts that a response is one of these, by status and code.
fn expect_one_of(response: &Response, expected: &[(u16, &str)]) {
    let code = response.body["code"].as_str().unwrap_or_default();
    let seen = (response.status.as_u16(), code);
    assert!(expected.contains(&seen), "{seen:?}: {}", response.body);
}

/// Asks for a change and accepts it, unless another one is open.
async fn change(rental: &Rental, host: &Rest, request: &Value) {
    let path = format!("/v1/bookings/{}/changes", rental.id);
    let guest = &rental.guest.rest;
    let asked = guest.send_until_answered(Method::POST, &path, request).await;
    let errors = [(409, "BOOKING002"), (409, "BOOKING051"), (400, "BOOKING053")];
    expect_one_of(&asked, &[&[(201, "")][..], &errors].concat());
    if asked.status == 201 {
        let accept = format!("{path}/{}/accept", id(&asked.body));
        let accepted = host.send_until_answered(Method::PUT, &accept, &json!({})).await;
        expect_one_of(&accepted, &[(200, ""), (409, "BOOKING002"), (409, "BOOKING052")]);
    }
}

/// 500 calls about ten hours of one car: guests book and hosts approve the hours after three rentals, while these are extended into them
/// and the rental of another car is moved to this one.
#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_bookings_extensions_and_swaps_never_overlap() {
    let mesh = mesh().await;
    let host = Host::register(&mesh).await;
    let (car, other) = (host.car().await, host.car().await);
    let first = next_slot(mesh.now());
    let mut rentals = Vec::new();
    for start in [0, 4, 8] {
        rentals.push(confirmed(&mesh, &host, &car, hours(first, start, start + 1)).await);
    }
    let elsewhere = confirmed(&mesh, &host, &other, hours(first, 2, 4)).await;
    let bookers = join_all((0..4).map(|_| Guest::with_card(&mesh))).await;

    let book = async |nth: usize| {
        let start = 1 + nth as i64 % 9;
        let response = bookers[nth % bookers.len()]
            .book(&car, hours(first, start, start + 1))
            .await;
        expect_one_of(
            &response,
            &[
                (201, ""),
                (409, "BOOKING002"),
                (409, "BOOKING008"),
                (409, "BOOKING010"),
            ],
        );
        if response.status == 201 {
            let approved = host.approve(&id(&response.body)).await;
            expect_one_of(&approved, &[(200, "")]);
        }
    };
    let extend = async |nth: usize| {
        let rental = &rentals[nth % rentals.len()];
        let end = rental.slot.end + TimeDelta::hours(1 + nth as i64 % 3);
        let end = end.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        change(rental, &host.rest, &json!({ "end_datetime": end })).await;
    };
    let swap = async |_: usize| change(&elsewhere, &host.rest, &json!({ "vehicle_id": car })).await;
    let calls = join_all((0..500).map(async |nth| match nth % 5 {
        0..3 => book(nth).await,
        3 => extend(nth).await,
        _ => swap(nth).await,
    }));
    calls.await;
    invariants::assert_hold(&mesh).await;
}
