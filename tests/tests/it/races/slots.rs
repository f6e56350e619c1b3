//! Concurrent bookings of one car.

use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Guest, Host, Response, Slot, mesh, next_slot};

const CODE: &str = "BOOKING002";

async fn guests(mesh: &carshare_mesh::Mesh) -> Vec<Guest> {
    join_all((0..5).map(|_| Guest::with_card(mesh))).await
}

/// The created bookings; asserts that every other response is "slot taken".
fn created_bookings(responses: Vec<Response>) -> Vec<Value> {
    let (won, lost): (Vec<_>, Vec<_>) = responses.into_iter().partition(|response| response.status == 201);
    for response in lost {
        response.expect_error(409, CODE);
    }
    won.into_iter().map(|response| response.ok(201)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_bookings_of_a_slot_create_one() {
    let mesh = mesh().await;
    let (host, guests) = (Host::register(&mesh).await, guests(&mesh).await);
    let (car, slot) = (host.car().await, next_slot(mesh.now()));
    let responses = join_all((0..50).map(|nth| guests[nth % guests.len()].book(&car, slot))).await;
    assert_eq!(responses.len(), 50);
    let won = created_bookings(responses);
    assert_eq!(won.len(), 1);
    let of_host = host.rest.get("/v1/bookings").await.ok(200);
    let listed: Vec<_> = of_host
        .as_array()
        .expect("a list")
        .iter()
        .map(|booking| &booking["id"])
        .collect();
    assert_eq!(listed, [&won[0]["id"]]);
    assert!(!guests[0].finds(&car, slot).await);
    // Adjacent periods do not overlap.
    for start in [slot.start - TimeDelta::hours(4), slot.end] {
        let beside = Slot {
            start,
            end: start + TimeDelta::hours(4),
        };
        guests[1].book(&car, beside).await.ok(201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn overlapping_bookings_are_never_both_created() {
    let mesh = mesh().await;
    let (host, guests) = (Host::register(&mesh).await, guests(&mesh).await);
    let (car, first) = (host.car().await, next_slot(mesh.now()));
    let slot = |nth: usize| {
        let start = first.start + TimeDelta::hours(nth as i64 % 10);
        Slot {
            start,
            end: start + TimeDelta::hours(3),
        }
    };
    let responses = join_all((0..30).map(|nth| guests[nth % guests.len()].book(&car, slot(nth)))).await;
    let won = created_bookings(responses);
    let mut periods: Vec<_> = won
        .iter()
        .map(|booking| {
            let time = |name: &str| booking[name].as_str().expect("a time").to_owned();
            (time("start_datetime"), time("end_datetime"))
        })
        .collect();
    periods.sort();
    // Between two and four periods of three hours fit into twelve hours.
    assert!((2..=4).contains(&periods.len()), "{periods:?}");
    for pair in periods.windows(2) {
        assert!(pair[0].1 <= pair[1].0, "{periods:?}");
    }
    let listed = host.rest.get("/v1/bookings").await.ok(200);
    assert_eq!(listed.as_array().map(Vec::len), Some(periods.len()));
    assert!(won.iter().all(|booking| booking["status"] == json!("pending")));
}
