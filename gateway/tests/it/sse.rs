//! Server-sent events over HTTP/1.1.

use std::time::Duration;

use carshare_testkit::eventually_true;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::harness::{Harness, TIMEOUT, code, header, send, send_for_code};

const STREAM: &str = "/v1/notifications/stream";

/// An open event stream.
struct Events {
    response: Response,
    buffer: String,
}

impl Events {
    async fn open(gateway: &Harness, last_event_id: &str) -> Self {
        let request = gateway.request("host", Method::GET, STREAM);
        let response = send(request.header("last-event-id", last_event_id)).await;
        assert_eq!(header(&response, "content-type"), Some("text/event-stream"));
        Self {
            response,
            buffer: String::new(),
        }
    }

    /// Reads the next chunk. `None` at the end.
    async fn chunk(&mut self) -> Option<String> {
        let chunk = timeout(TIMEOUT, self.response.chunk()).await.expect("a chunk");
        Some(String::from_utf8(chunk.unwrap()?.to_vec()).unwrap())
    }

    /// Returns id, name and data of the next event that is not a comment.
    async fn next(&mut self) -> (String, String, Value) {
        loop {
            let Some((event, rest)) = self.buffer.split_once("\n\n") else {
                let chunk = self.chunk().await.expect("an open stream");
                self.buffer.push_str(&chunk);
                continue;
            };
            let (event, rest) = (event.to_owned(), rest.to_owned());
            self.buffer = rest;
            let field = |name: &str| {
                let mut lines = event.lines();
                lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            };
            if let Some(data) = field("data") {
                let text = |name| field(name).unwrap_or_default().to_owned();
                return (text("id"), text("event"), serde_json::from_str(data).unwrap());
            }
        }
    }
}

#[tokio::test]
async fn messages_are_named_events_with_their_cursor() {
    let gateway = Harness::start().await;
    let mut events = Events::open(&gateway, "").await;
    let expected = json!({ "id": "n-1", "type": "booking.requested", "title": "", "body": "", "data": {} });
    assert_eq!(events.next().await, ("1".into(), "notification".into(), expected));
    assert_eq!(events.next().await, ("2".into(), "heartbeat".into(), json!({})));
    // A stream has no deadline unless the client sets one.
    assert!(gateway.services.last().get("grpc-timeout").is_none());
}

#[tokio::test]
async fn client_resumes_after_the_last_event_id() {
    let gateway = Harness::start().await;
    let (id, ..) = Events::open(&gateway, "41").await.next().await;
    assert_eq!(id, "42");
}

#[tokio::test]
async fn silent_stream_sends_comments() {
    let interval = Duration::from_millis(20);
    let gateway = Harness::start_with(|config| config.service.edge.keep_alive = interval).await;
    let mut events = Events::open(&gateway, "").await;
    while !events.chunk().await.unwrap().contains(": keep-alive\n") {}
}

#[tokio::test]
async fn stream_of_the_service_ends_when_the_client_goes_away() {
    let gateway = Harness::start().await;
    let mut events = Events::open(&gateway, "").await;
    events.next().await;
    assert_eq!(gateway.services.streams(), 1);
    drop(events);
    eventually_true(TIMEOUT, async || gateway.services.streams() == 0).await;
}

#[tokio::test]
async fn failed_stream_ends_with_a_problem() {
    let gateway = Harness::start().await;
    let mut events = Events::open(&gateway, "100").await;
    events.next().await;
    let (id, name, problem) = events.next().await;
    assert_eq!((id.as_str(), name.as_str()), ("", "error"));
    assert_eq!(
        (&problem["status"], &problem["code"]),
        (&json!(401), &json!("AUTH002"))
    );
    assert_eq!(events.chunk().await, None);
}

#[tokio::test]
async fn error_before_the_first_message_is_an_ordinary_problem() {
    let gateway = Harness::start().await;
    let invalid = gateway.request("host", Method::GET, &format!("{STREAM}?cursor=bad"));
    assert_eq!(send_for_code(invalid).await, code(400, "NOTIFICATION002"));
    let anonymous = gateway.anonymous(Method::GET, STREAM);
    assert_eq!(send_for_code(anonymous).await, code(401, "AUTH001"));
}

#[tokio::test]
async fn stream_ends_when_its_token_expires() {
    let gateway = Harness::start().await;
    let mut events = Events::open(&gateway, "").await;
    events.next().await;
    events.next().await;
    gateway.clock.advance(Duration::from_mins(15));
    let (_, name, problem) = events.next().await;
    assert_eq!((name.as_str(), &problem["code"]), ("error", &json!("AUTH002")));
    eventually_true(TIMEOUT, async || gateway.services.streams() == 0).await;
}

#[tokio::test]
async fn streams_end_on_drain() {
    let gateway = Harness::start().await;
    let mut events = Events::open(&gateway, "").await;
    events.next().await;
    gateway.shutdown.trigger();
    while events.chunk().await.is_some() {}
}
