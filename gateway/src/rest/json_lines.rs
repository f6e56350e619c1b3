//! Converts server streams to JSON lines: one message a line. A stream that fails ends with the line `{"error": problem}`.
//!
//! A connection can break between two lines, so a client that needs the whole stream looks for a last message that says so.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use http::header::CONTENT_TYPE;
use serde_json::json;
use tonic::Status;

use super::stream::{UNBUFFERED, problem};
use crate::json::MessageType;
use crate::layer::request_info::RequestInfo;

pub(crate) const JSON_LINES: &str = "application/x-ndjson";

/// Upper bound of the messages that are sent at once, if they are there already.
const CHUNK_LIMIT: usize = 64;

pub(super) fn respond(
    messages: impl Stream<Item = Result<Bytes, Status>> + Send + 'static,
    message_type: MessageType,
    info: &Arc<RequestInfo>,
) -> Response {
    let body = Body::from_stream(lines(messages, message_type, Arc::clone(info)));
    (UNBUFFERED, [(CONTENT_TYPE, JSON_LINES)], body).into_response()
}

fn lines(
    messages: impl Stream<Item = Result<Bytes, Status>> + Send,
    message_type: MessageType,
    info: Arc<RequestInfo>,
) -> impl Stream<Item = Result<Vec<u8>, Infallible>> + Send {
    let lines = messages.map(move |message| {
        let json = message.and_then(|bytes| {
            let json = message_type.to_json(&bytes);
            json.map_err(|error| Status::internal(error.to_string()))
        });
        let failure = |status| {
            json!({ "error": problem(&status, &info) })
                .to_string()
                .into_bytes()
        };
        let mut line = json.unwrap_or_else(failure);
        line.push(b'\n');
        line
    });
    lines.ready_chunks(CHUNK_LIMIT).map(|lines| Ok(lines.concat()))
}

#[cfg(test)]
mod tests {
    use carshare_chassis::{Error, Lang};
    use carshare_proto::auth::export::v1::export_record::Record;
    use carshare_proto::auth::export::v1::{ExportEnd, ExportRecord};
    use carshare_proto::common::v1::ErrorReason as Common;
    use carshare_proto::payment::v1::PaymentMethod;
    use futures::stream;
    use http_body_util::BodyExt as _;
    use prost::Message as _;
    use prost_reflect::ReflectMessage as _;
    use serde_json::Value;

    use super::*;

    async fn body(records: Vec<Result<Record, Status>>) -> String {
        let messages = records.into_iter().map(|record| {
            let message = record.map(|record| ExportRecord { record: Some(record) });
            message.map(|message| message.encode_to_vec().into())
        });
        let info = Arc::new(RequestInfo::for_test(Lang::En, "c", "/export"));
        let message_type = MessageType::of(&ExportRecord::default().descriptor());
        let response = respond(stream::iter(messages.collect::<Vec<_>>()), message_type, &info);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/x-ndjson");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn each_message_is_one_line_whatever_its_texts() {
        let card = |method: &str| {
            Record::PaymentMethod(PaymentMethod {
                method: method.into(),
                ..Default::default()
            })
        };
        let end = Record::End(ExportEnd {
            record_count: 2,
            exported_at: None,
        });
        let text = body(vec![Ok(card("두\n줄")), Ok(card("")), Ok(end)]).await;
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert!(text.ends_with('\n'));
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0]["payment_method"]["method"], "두\n줄");
        assert_eq!(lines[2], json!({ "end": { "record_count": 2 } }));
    }

    #[tokio::test]
    async fn error_is_the_last_line_with_the_problem() {
        let error = Error::new(Common::TokenExpired).into_status(Lang::En);
        let text = body(vec![
            Ok(Record::PaymentMethod(PaymentMethod::default())),
            Err(error),
        ])
        .await;
        let (_, last) = text.trim_end().rsplit_once('\n').unwrap();
        let last: Value = serde_json::from_str(last).unwrap();
        assert_eq!(
            (&last["error"]["code"], &last["error"]["status"]),
            (&"AUTH002".into(), &401.into())
        );
        assert_eq!(last.as_object().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn more_messages_than_a_chunk_has_are_all_sent() {
        let card = || Ok(Record::PaymentMethod(PaymentMethod::default()));
        let text = body((0..1_000).map(|_| card()).collect()).await;
        assert_eq!(text.lines().count(), 1_000);
    }
}
