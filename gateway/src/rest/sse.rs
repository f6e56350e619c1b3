//! Server streams as server-sent events.
//!
//! `id` is the message's `cursor`, `event` the member that is set of its oneof and `data` that member's JSON (of a message
//! without a oneof: the whole). A stream that fails ends with an `error` event that holds the problem. A client that comes
//! back sends the last id and goes on behind it; one that goes away ends the call to the service, because dropping the
//! body drops the stream.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use carshare_chassis::Lang;
use futures::{Stream, StreamExt as _, stream};
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use prost_reflect::{DynamicMessage, FieldDescriptor, ReflectMessage as _};
use tonic::{Status, Streaming};

use super::codec::MessageCodec;
use super::{Call, Client};
use crate::error::GatewayError;
use crate::json::{Json, JsonField};
use crate::problem::Problem;
use crate::request_context::Exchange;
use crate::routes::Route;
use crate::stream_end::Ending;

/// The field of a message to resume with.
pub(crate) const CURSOR: &str = "cursor";
/// Browsers wait this long before they come back.
const RETRY: Duration = Duration::from_secs(2);

/// Opens the stream of an RPC. A refusal before the first message is an ordinary problem.
pub(super) async fn open(
    route: &Route,
    mut client: Client,
    call: Call,
) -> Result<Streaming<DynamicMessage>, GatewayError> {
    client.ready().await?;
    let codec = MessageCodec::decoding(route.rpc.descriptor.output());
    Ok(client
        .server_streaming(call, route.rpc.path.clone(), codec)
        .await?
        .into_inner())
}

/// The stream as an answer.
pub(super) fn present(
    messages: Streaming<DynamicMessage>,
    ending: Ending,
    exchange: &Exchange,
    keep_alive: Duration,
) -> Response {
    let messages = until(messages, ending, exchange.lang);
    let alive = KeepAlive::new().interval(keep_alive).text("keep-alive");
    let mut response = Sse::new(events(messages, exchange.clone()))
        .keep_alive(alive)
        .into_response();
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Reverse proxies buffer by default; nginx and its kin obey this.
    response
        .headers_mut()
        .insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// The messages up to the first error, of which the ending is one.
fn until<M>(
    messages: impl Stream<Item = Result<M, Status>> + Unpin + Send,
    ending: Ending,
    lang: Lang,
) -> impl Stream<Item = Result<M, Status>> + Send
where
    M: Send,
{
    stream::unfold(Some((messages, ending)), move |open| async move {
        let (mut messages, mut ending) = open?;
        let message = tokio::select! {
            message = messages.next() => message?,
            error = &mut ending => Err(error.into_status(lang)),
        };
        let open = message.is_ok().then_some((messages, ending));
        Some((message, open))
    })
}

fn events(
    messages: impl Stream<Item = Result<DynamicMessage, Status>> + Send,
    exchange: Exchange,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    let opening = Event::default().retry(RETRY).comment("open");
    let told = messages.map(move |message| match message {
        Ok(message) => event(&message),
        Err(status) => failure(&status, &exchange),
    });
    stream::iter([opening]).chain(told).map(Ok)
}

fn event(message: &DynamicMessage) -> Event {
    let event = match id(message) {
        Some(id) => Event::default().id(id),
        None => Event::default(),
    };
    match member(message) {
        Some(field) => {
            let data = serde_json::to_string(&JsonField {
                message,
                field: &field,
            })
            .unwrap_or_default();
            event.event(field.name()).data(data)
        }
        None => event.data(serde_json::to_string(&Json(message)).unwrap_or_default()),
    }
}

/// A line break would end the field, and the writer refuses it.
fn id(message: &DynamicMessage) -> Option<String> {
    let cursor = message.get_field_by_name(CURSOR)?;
    let id = cursor.as_str()?;
    (!id.is_empty() && !id.contains(['\r', '\n', '\0'])).then(|| id.to_owned())
}

/// The member that is set of the message's choice.
fn member(message: &DynamicMessage) -> Option<FieldDescriptor> {
    let choice = message
        .descriptor()
        .oneofs()
        .find(|oneof| !oneof.is_synthetic())?;
    choice.fields().find(|field| message.has_field(field))
}

fn failure(status: &Status, exchange: &Exchange) -> Event {
    tracing::info!(correlation_id = exchange.correlation_id, status = ?status.code(), "a stream failed");
    Event::default()
        .event("error")
        .data(Problem::from_status(status).to_json(exchange).to_string())
}

#[cfg(test)]
mod tests {
    use carshare_chassis::{Error, Lang};
    use carshare_proto::common::v1::ErrorReason as Common;
    use carshare_proto::notification::v1::subscribe_response::Event as Member;
    use carshare_proto::notification::v1::{Heartbeat, SubscribeResponse};
    use http_body_util::BodyExt as _;

    use super::*;

    async fn written(messages: Vec<Result<SubscribeResponse, Status>>) -> String {
        let exchange = Exchange::for_test(Lang::En, "c", "/stream");
        let messages = messages
            .into_iter()
            .map(|message| message.map(|message| message.transcode_to_dynamic()));
        let response = Sse::new(events(stream::iter(messages), exchange)).into_response();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_message_is_an_event_named_after_its_member() {
        let heartbeat = SubscribeResponse {
            cursor: "41".into(),
            event: Some(Member::Heartbeat(Heartbeat::default())),
        };
        let text = written(vec![Ok(heartbeat)]).await;
        assert_eq!(
            text,
            "retry: 2000\n: open\n\nid: 41\nevent: heartbeat\ndata: {}\n\n"
        );
    }

    #[tokio::test]
    async fn without_a_member_the_whole_message_is_the_data_and_a_strange_id_is_left_out() {
        let text = written(vec![Ok(SubscribeResponse {
            cursor: "a\nb".into(),
            event: None,
        })])
        .await;
        assert!(text.ends_with("\n\ndata: {\"cursor\":\"a\\nb\"}\n\n"), "{text}");
    }

    #[tokio::test]
    async fn a_failure_is_an_event_with_the_problem() {
        let text = written(vec![Err(Error::new(Common::TokenExpired).into_status(Lang::Ko))]).await;
        let data = text.split_once("event: error\ndata: ").unwrap().1.trim();
        let problem: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(
            (&problem["code"], &problem["status"]),
            (&"AUTH002".into(), &401.into())
        );
    }
}
