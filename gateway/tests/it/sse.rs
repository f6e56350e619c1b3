//! Server-sent events over HTTP/1.1, as a browser reads them.

use std::time::Duration;

use carshare_testkit::eventually_true;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::harness::{Edge, TIMEOUT, header, told};

const STREAM: &str = "/v1/notifications/stream";

/// The next piece of the body.
async fn more(response: &mut Response) -> String {
    let chunk = tokio::time::timeout(TIMEOUT, response.chunk())
        .await
        .expect("something soon");
    let chunk = chunk.expect("an open connection").expect("an open stream");
    String::from_utf8(chunk.to_vec()).expect("whole characters")
}

/// The next event that is not a comment, as (id, name, data).
async fn next(response: &mut Response, buffer: &mut String) -> (String, String, Value) {
    loop {
        if let Some((event, rest)) = buffer
            .split_once("\n\n")
            .map(|(event, rest)| (event.to_owned(), rest.to_owned()))
        {
            *buffer = rest;
            let field = |name: &str| {
                event
                    .lines()
                    .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            };
            if let Some(data) = field("data") {
                let text = |name: &str| field(name).unwrap_or_default().to_owned();
                return (
                    text("id"),
                    text("event"),
                    serde_json::from_str(data).expect("JSON"),
                );
            }
            continue;
        }
        buffer.push_str(&more(response).await);
    }
}

#[tokio::test]
async fn messages_arrive_as_named_events_with_their_cursor() {
    let edge = Edge::start().await;
    let mut response = edge.request("host", Method::GET, STREAM).send().await.unwrap();
    assert_eq!(header(&response, "content-type"), Some("text/event-stream"));
    let mut buffer = String::new();
    let expected = json!({ "id": "n-1", "type": "booking.requested", "title": "", "body": "", "data": {} });
    assert_eq!(
        next(&mut response, &mut buffer).await,
        ("1".into(), "notification".into(), expected)
    );
    assert_eq!(
        next(&mut response, &mut buffer).await,
        ("2".into(), "heartbeat".into(), json!({}))
    );
    // A stream has no deadline unless the client sets one.
    assert!(edge.services.last().get("grpc-timeout").is_none());
}

#[tokio::test]
async fn a_client_goes_on_where_it_was() {
    let edge = Edge::start().await;
    let again = edge
        .request("host", Method::GET, "/v1/notifications/stream?cursor=3")
        .header("last-event-id", "41");
    let mut response = again.send().await.unwrap();
    let (id, ..) = next(&mut response, &mut String::new()).await;
    assert_eq!(id, "42");
}

#[tokio::test]
async fn silence_is_broken_by_comments() {
    let edge = Edge::start_with(|config| config.service.edge.keep_alive = Duration::from_millis(20)).await;
    let mut response = edge.request("host", Method::GET, STREAM).send().await.unwrap();
    let mut text = String::new();
    while !text.contains(": keep-alive\n") {
        text.push_str(&more(&mut response).await);
    }
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_stream_of_the_service() {
    let edge = Edge::start().await;
    let mut response = edge.request("host", Method::GET, STREAM).send().await.unwrap();
    next(&mut response, &mut String::new()).await;
    assert_eq!(edge.services.streams(), 1);
    drop(response);
    eventually_true(TIMEOUT, || async { edge.services.streams() == 0 }).await;
}

#[tokio::test]
async fn a_stream_that_fails_ends_with_a_problem() {
    let edge = Edge::start().await;
    let mut response = edge
        .request("host", Method::GET, STREAM)
        .header("last-event-id", "100")
        .send()
        .await
        .unwrap();
    let mut buffer = String::new();
    next(&mut response, &mut buffer).await;
    let (id, name, problem) = next(&mut response, &mut buffer).await;
    assert_eq!((id.as_str(), name.as_str()), ("", "error"));
    assert_eq!(
        (&problem["status"], &problem["code"]),
        (&json!(401), &json!("AUTH002"))
    );
    assert_eq!(
        tokio::time::timeout(TIMEOUT, response.chunk())
            .await
            .unwrap()
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn what_is_refused_before_the_first_message_is_an_ordinary_problem() {
    let edge = Edge::start().await;
    let bad = edge
        .request("host", Method::GET, "/v1/notifications/stream?cursor=bad")
        .send()
        .await
        .unwrap();
    let (status, problem) = told(bad).await;
    assert_eq!((status, &problem["code"]), (400, &json!("NOTIFICATION002")));
    let nobody = edge.anonymous(Method::GET, STREAM).send().await.unwrap();
    assert_eq!(nobody.status().as_u16(), 401);
}

#[tokio::test]
async fn a_stream_does_not_outlive_its_token() {
    let edge = Edge::start().await;
    let mut response = edge.request("host", Method::GET, STREAM).send().await.unwrap();
    let mut buffer = String::new();
    next(&mut response, &mut buffer).await;
    next(&mut response, &mut buffer).await;
    edge.clock.advance(Duration::from_mins(15));
    let (_, name, problem) = next(&mut response, &mut buffer).await;
    assert_eq!((name.as_str(), &problem["code"]), ("error", &json!("AUTH002")));
    eventually_true(TIMEOUT, || async { edge.services.streams() == 0 }).await;
}

#[tokio::test]
async fn a_draining_gateway_ends_its_streams() {
    let edge = Edge::start().await;
    let mut response = edge.request("host", Method::GET, STREAM).send().await.unwrap();
    next(&mut response, &mut String::new()).await;
    edge.shutdown.trigger();
    let ended = async { while let Ok(Some(_)) = response.chunk().await {} };
    tokio::time::timeout(Duration::from_secs(5), ended)
        .await
        .expect("the stream ends");
}
