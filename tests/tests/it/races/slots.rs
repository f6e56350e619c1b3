//! One car, many who want it at the same time.

use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Guest, Host, Response, Slot, mesh, next_slot};

const CODE: &str = "BOOKING002";

async fn guests(mesh: &carshare_mesh::Mesh) -> Vec<Guest> {
    join_all((0..5).map(|_| Guest::register(mesh))).await
}

/// The bookings that were made; everybody else is told that the car is taken.
fn created_bookings(answers: Vec<Response>) -> Vec<Value> {
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    for answer in lost {
        answer.expect_error(409, CODE);
    }
    won.into_iter().map(|answer| answer.ok(201)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_want_a_slot_exactly_one_gets_it() {
    let mesh = mesh().await;
    let (host, guests) = (Host::register(&mesh).await, guests(&mesh).await);
    let (car, slot) = (host.car().await, next_slot(mesh.now()));
    let answers = join_all((0..50).map(|nth| guests[nth % guests.len()].book(&car, slot))).await;
    assert_eq!(answers.len(), 50);
    let won = created_bookings(answers);
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
    // What touches it at either end is another slot.
    for start in [slot.start - TimeDelta::hours(4), slot.end] {
        let beside = Slot {
            start,
            end: start + TimeDelta::hours(4),
        };
        guests[1].book(&car, beside).await.ok(201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_that_overlap_in_part_never_both_win() {
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
    let answers = join_all((0..30).map(|nth| guests[nth % guests.len()].book(&car, slot(nth)))).await;
    let won = created_bookings(answers);
    let mut periods: Vec<_> = won
        .iter()
        .map(|booking| {
            let time = |name: &str| booking[name].as_str().expect("a time").to_owned();
            (time("start_datetime"), time("end_datetime"))
        })
        .collect();
    periods.sort();
    // Of twelve hours, threes at a time: at least two fit, at most four.
    assert!((2..=4).contains(&periods.len()), "{periods:?}");
    for pair in periods.windows(2) {
        assert!(pair[0].1 <= pair[1].0, "{periods:?}");
    }
    let listed = host.rest.get("/v1/bookings").await.ok(200);
    assert_eq!(listed.as_array().map(Vec::len), Some(periods.len()));
    assert!(won.iter().all(|booking| booking["status"] == json!("pending")));
}
