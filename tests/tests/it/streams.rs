//! Notification streams: resumption without loss or repetition, isolation of users, cursors.

use std::collections::BTreeSet;

use carshare_mesh::Mesh;
use carshare_proto::notification::v1::SubscribeRequest;
use carshare_proto::notification::v1::subscribe_response::Event as Sent;
use carshare_testkit::eventually;
use serde_json::{Value, json};
use tonic::Code;

use crate::harness::{
    ErrorInfo, Event, Events, GrpcClient, Guest, Host, Response, Rest, TIMEOUT, mesh, next_slot, with_session,
};

const STREAM: &str = "/v1/notifications/stream";

/// Number of notifications of a host with a car: account, car registered, car activated.
const INITIAL_NOTIFICATIONS: usize = 3;

/// Ids of a user's notifications, oldest first, as soon as there are `count`.
async fn listed(rest: &Rest, count: usize) -> Vec<String> {
    eventually(TIMEOUT, || async {
        let list = rest.get("/v1/notifications?page_size=200").await.ok(200);
        let ids = list
            .as_array()
            .expect("a list")
            .iter()
            .rev()
            .map(id_of)
            .collect::<Vec<_>>();
        (ids.len() == count).then_some(ids)
    })
    .await
}

fn id_of(notification: &Value) -> String {
    notification["id"].as_str().expect("an id").to_owned()
}

/// The next `count` notifications of a stream.
async fn next(stream: &mut Events, count: usize) -> Vec<Event> {
    let mut events = Vec::new();
    while events.len() < count {
        let event = stream.next().await;
        if event.name == "notification" {
            events.push(event);
        }
    }
    events
}

/// Requests a car `times` times for a new guest, whose open requests are limited.
async fn request(car: &str, times: usize, mesh: &Mesh) {
    let guest = Guest::with_card(mesh).await;
    for _ in 0..times {
        guest.book(car, next_slot(mesh.now())).await.ok(201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn resumed_stream_has_every_event_once() {
    let mesh = mesh().await;
    let host = Host::register(&mesh).await;
    let car = host.car().await;
    listed(&host.rest, INITIAL_NOTIFICATIONS).await;
    let mut stream = Events::open(&host.rest, Some("0")).await;
    let before = next(&mut stream, INITIAL_NOTIFICATIONS).await;
    let kinds: BTreeSet<_> = before.iter().map(|event| event.data["type"].as_str()).collect();
    let expected = ["user.registered", "vehicle.registered", "vehicle.activated"].map(Some);
    assert_eq!(kinds, BTreeSet::from(expected));

    // Events while a stream is open, while none is, and after it is resumed.
    request(&car, 2, &mesh).await;
    let mut read = next(&mut stream, 1).await;
    drop(stream);
    request(&car, 3, &mesh).await;
    listed(&host.rest, INITIAL_NOTIFICATIONS + 5).await;
    let mut stream = Events::open(&host.rest, Some(&read[0].id)).await;
    request(&car, 2, &mesh).await;
    read.extend(next(&mut stream, 6).await);
    let all = listed(&host.rest, INITIAL_NOTIFICATIONS + 7).await;
    let seen: Vec<_> = before
        .iter()
        .chain(&read)
        .map(|event| id_of(&event.data))
        .collect();
    assert_eq!(seen, all);

    // From the beginning, and from a cursor in each gRPC protocol.
    let mut again = Events::open(&host.rest, Some("0")).await;
    let again = next(&mut again, INITIAL_NOTIFICATIONS + 7).await;
    assert_eq!(
        again.iter().map(|event| id_of(&event.data)).collect::<Vec<_>>(),
        all
    );
    let cursors: Vec<_> = before.iter().chain(&read).map(|event| &event.id).collect();
    assert_eq!(again.iter().map(|event| &event.id).collect::<Vec<_>>(), cursors);
    for wire in GrpcClient::all(&mesh).await {
        let from = SubscribeRequest {
            cursor: cursors[4].clone(),
        };
        let opened = wire
            .notification()
            .subscribe(with_session(&host.rest, from))
            .await;
        let mut stream = opened.expect("a stream").into_inner();
        let mut seen = Vec::new();
        while seen.len() < all.len() - 5 {
            let message = stream
                .message()
                .await
                .expect("an open stream")
                .expect("a message");
            if let Some(Sent::Notification(notification)) = message.event {
                seen.push(notification.id);
            }
        }
        assert_eq!(seen, all[5..], "{:?}", wire.form);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_has_only_the_users_own_notifications() {
    let mesh = mesh().await;
    let (one, two) = (Host::register(&mesh).await, Host::register(&mesh).await);
    let (car_of_one, car_of_two) = (one.car().await, two.car().await);
    let (mut to_one, mut to_two) = (
        Events::open(&one.rest, Some("0")).await,
        Events::open(&two.rest, Some("0")).await,
    );
    request(&car_of_one, 3, &mesh).await;
    listed(&one.rest, INITIAL_NOTIFICATIONS + 3).await;
    request(&car_of_two, 1, &mesh).await;
    // Host one's requests came first; host two's stream has only its own.
    for (stream, rest, count) in [
        (&mut to_two, &two.rest, INITIAL_NOTIFICATIONS + 1),
        (&mut to_one, &one.rest, INITIAL_NOTIFICATIONS + 3),
    ] {
        let seen: Vec<_> = next(stream, count)
            .await
            .iter()
            .map(|event| id_of(&event.data))
            .collect();
        assert_eq!(seen, listed(rest, count).await);
    }
    let bookings = two.rest.get("/v1/bookings").await.ok(200);
    let news = two.rest.get("/v1/notifications").await.ok(200);
    assert_eq!(news[0]["data"]["booking_id"], bookings[0]["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_cursor_is_rejected() {
    let mesh = mesh().await;
    let guest = Guest::register(&mesh).await.rest;
    let wires = GrpcClient::all(&mesh).await;
    for cursor in [
        "garbage",
        "-1",
        "1e3",
        " 1",
        "0x1",
        "999999",
        "99999999999999999999",
        "5b0e0000-0000-7000-8000-000000000001",
    ] {
        let by_query = format!("{STREAM}?cursor={}", cursor.replace(' ', "%20"));
        guest.get(&by_query).await.expect_error(400, "NOTIFICATION002");
        if !cursor.starts_with(' ') {
            let request = guest
                .request(reqwest::Method::GET, STREAM)
                .header("last-event-id", cursor);
            let problem = Response::of(request).await.expect_error(400, "NOTIFICATION002");
            assert_eq!(problem["detail"], "올바르지 않은 커서입니다.");
        }
        for wire in &wires {
            let from = SubscribeRequest {
                cursor: cursor.to_owned(),
            };
            let status = wire
                .notification()
                .subscribe(with_session(&guest, from))
                .await
                .expect_err("refused");
            assert_eq!(
                (status.code(), ErrorInfo::from_status(&status).code.as_str()),
                (Code::InvalidArgument, "NOTIFICATION002")
            );
        }
    }
    let long = guest
        .get(&format!("{STREAM}?cursor={}", "1".repeat(65)))
        .await
        .expect_error(400, "COMMON001");
    assert_eq!(long["errors"][0]["field"], json!("cursor"));
    Rest::of(&mesh).get(STREAM).await.expect_error(401, "AUTH001");
}
