//! A client of server-sent events.

use futures::StreamExt as _;
use reqwest::Method;
use serde_json::Value;

use super::TIMEOUT;
use super::rest::Rest;

pub struct Events {
    bytes: futures::stream::BoxStream<'static, Vec<u8>>,
    text: String,
}

#[derive(Debug)]
pub struct Event {
    pub id: String,
    pub name: String,
    pub data: Value,
}

impl Events {
    /// Opens the caller's notification stream, after `cursor` if there is one.
    pub async fn open(rest: &Rest, cursor: Option<&str>) -> Self {
        let mut request = rest.request(Method::GET, "/v1/notifications/stream");
        if let Some(cursor) = cursor {
            request = request.header("last-event-id", cursor);
        }
        let reply = request.send().await.expect("a response");
        assert_eq!(reply.status().as_u16(), 200);
        assert!(
            reply.headers()["content-type"]
                .to_str()
                .expect("text")
                .starts_with("text/event-stream")
        );
        let bytes = reply
            .bytes_stream()
            .map(|chunk| chunk.expect("an open stream").to_vec())
            .boxed();
        Self {
            bytes,
            text: String::new(),
        }
    }

    /// The next event that carries data.
    pub async fn next(&mut self) -> Event {
        tokio::time::timeout(TIMEOUT, async {
            loop {
                if let Some(end) = self.text.find("\n\n") {
                    let block: String = self.text.drain(..end + 2).collect();
                    if let Some(event) = parse(&block) {
                        return event;
                    }
                    continue;
                }
                let chunk = self.bytes.next().await.expect("the stream is open");
                self.text.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
            }
        })
        .await
        .expect("an event in time")
    }

    /// The remaining events until the server ends the stream.
    pub async fn rest(mut self) -> Vec<Event> {
        let read = async {
            while let Some(chunk) = self.bytes.next().await {
                self.text.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
            }
        };
        tokio::time::timeout(TIMEOUT, read)
            .await
            .expect("the stream ends in time");
        self.text.split_inclusive("\n\n").filter_map(parse).collect()
    }

    /// The next notification of this type; skips others.
    pub async fn notification(&mut self, kind: &str) -> (String, Value) {
        loop {
            let event = self.next().await;
            if event.name == "notification" && event.data["type"] == kind {
                return (event.id, event.data);
            }
        }
    }
}

fn parse(block: &str) -> Option<Event> {
    let field = |name: &str| {
        let lines = block
            .lines()
            .filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        lines
            .map(|value| value.trim_start().to_owned())
            .collect::<Vec<_>>()
            .join("\n")
    };
    let data = field("data");
    (!data.is_empty()).then(|| Event {
        id: field("id"),
        name: field("event"),
        data: serde_json::from_str(&data).expect("JSON"),
    })
}
