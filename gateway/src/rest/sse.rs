//! Converts server streams to server-sent events.
//!
//! `id` is the message's `cursor`, `event` the name of the set member of its oneof and `data` the JSON of that member, or of the
//! whole message when it has no oneof. A stream that fails ends with an `error` event whose data is the problem. A client that
//! reconnects sends the last id and resumes after it. When the client disconnects, the dropped body ends the call to the service.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use tonic::Status;

use super::stream::{UNBUFFERED, problem};
use crate::json::{EncodeError, MessageType, MessageView};
use crate::layer::request_info::RequestInfo;

/// Field of a message with the position to resume at.
pub(crate) const CURSOR: &str = "cursor";
/// Time after which browsers reconnect.
const RECONNECT_DELAY: Duration = Duration::from_secs(2);

/// Returns the event stream.
pub(super) fn respond(
    messages: impl Stream<Item = Result<Bytes, Status>> + Send + 'static,
    message_type: MessageType,
    info: &Arc<RequestInfo>,
    keep_alive: Duration,
) -> Response {
    let alive = KeepAlive::new().interval(keep_alive).text("keep-alive");
    let events = Sse::new(events(messages, message_type, Arc::clone(info)));
    (UNBUFFERED, events.keep_alive(alive)).into_response()
}

fn events(
    messages: impl Stream<Item = Result<Bytes, Status>> + Send,
    message_type: MessageType,
    info: Arc<RequestInfo>,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    let opening = Event::default().retry(RECONNECT_DELAY).comment("open");
    let events = messages.map(move |message| {
        let event = message.and_then(|bytes| {
            event(&message_type, &bytes).map_err(|error| Status::internal(error.to_string()))
        });
        event.unwrap_or_else(|status| failure(&status, &info))
    });
    stream::iter([opening]).chain(events).map(Ok)
}

fn event(message_type: &MessageType, bytes: &[u8]) -> Result<Event, EncodeError> {
    let mut message = message_type.view(bytes)?;
    let event = match id(message_type, &message)? {
        Some(id) => Event::default().id(id),
        None => Event::default(),
    };
    let member = member(message_type, &message);
    let (event, json) = match member {
        Some(field) => (
            event.event(message_type.name(field)),
            message.field_to_json(field)?,
        ),
        None => (event, message.to_json()?),
    };
    Ok(event.data(String::from_utf8(json).map_err(|_| EncodeError::NotUtf8)?))
}

/// Returns the cursor as event id. One with a line break, which would end the field, is left out.
fn id<'a>(message_type: &MessageType, message: &'a MessageView<'_>) -> Result<Option<&'a str>, EncodeError> {
    let Some(cursor) = message_type.field(CURSOR) else {
        return Ok(None);
    };
    let id = message.text(cursor)?;
    Ok((!id.is_empty() && !id.contains(['\r', '\n', '\0'])).then_some(id))
}

/// Returns the set member of the message's oneof.
fn member(message_type: &MessageType, message: &MessageView<'_>) -> Option<usize> {
    let members = message_type.oneof()?;
    members.iter().copied().find(|&field| message.has(field))
}

fn failure(status: &Status, info: &RequestInfo) -> Event {
    Event::default()
        .event("error")
        .data(problem(status, info).to_string())
}

#[cfg(test)]
mod tests {
    use carshare_chassis::{Error, Lang};
    use carshare_proto::common::v1::ErrorReason as Common;
    use carshare_proto::notification::v1::subscribe_response::Event as Member;
    use carshare_proto::notification::v1::{Heartbeat, SubscribeResponse};
    use http_body_util::BodyExt as _;
    use prost::Message as _;
    use prost_reflect::ReflectMessage as _;

    use super::*;

    async fn event_stream(messages: Vec<Result<SubscribeResponse, Status>>) -> String {
        let info = Arc::new(RequestInfo::for_test(Lang::En, "c", "/stream"));
        let messages = messages
            .into_iter()
            .map(|message| message.map(|message| message.encode_to_vec().into()));
        let message_type = MessageType::of(&SubscribeResponse::default().descriptor());
        let response = Sse::new(events(stream::iter(messages), message_type, info)).into_response();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn message_is_an_event_named_after_its_oneof_member() {
        let heartbeat = SubscribeResponse {
            cursor: "41".into(),
            event: Some(Member::Heartbeat(Heartbeat::default())),
        };
        let text = event_stream(vec![Ok(heartbeat)]).await;
        assert_eq!(
            text,
            "retry: 2000\n: open\n\nid: 41\nevent: heartbeat\ndata: {}\n\n"
        );
    }

    #[tokio::test]
    async fn message_without_a_member_is_the_data_and_a_cursor_with_a_line_break_is_no_id() {
        let text = event_stream(vec![Ok(SubscribeResponse {
            cursor: "a\nb".into(),
            event: None,
        })])
        .await;
        assert!(text.ends_with("\n\ndata: {\"cursor\":\"a\\nb\"}\n\n"), "{text}");
    }

    #[tokio::test]
    async fn error_is_an_event_with_the_problem() {
        let text = event_stream(vec![Err(Error::new(Common::TokenExpired).into_status(Lang::Ko))]).await;
        let data = text.split_once("event: error\ndata: ").unwrap().1.trim();
        let problem: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(
            (&problem["code"], &problem["status"]),
            (&"AUTH002".into(), &401.into())
        );
    }
}
