//! Server streams over REST: opens one and answers in the format that the RPC offers and the client accepts.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use carshare_chassis::Lang;
use carshare_proto::options::v1::Rest;
use futures::{Stream, StreamExt as _, stream};
use http::header::{ACCEPT, CACHE_CONTROL};
use http::{HeaderMap, HeaderName};
use serde_json::Value;
use tonic::Status;

use super::codec::BytesCodec;
use super::json_lines::{self, JSON_LINES};
use super::{Call, Client, sse};
use crate::error::GatewayError;
use crate::layer::request_info::RequestInfo;
use crate::problem::Problem;
use crate::routes::Route;
use crate::stream_end::StreamEnd;

/// Headers of streams. Reverse proxies such as nginx buffer responses without the second one.
pub(super) const UNBUFFERED: [(HeaderName, &str); 2] = [
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("x-accel-buffering"), "no"),
];

/// Calls a server-streaming RPC. An error before the response head is an ordinary problem.
pub(super) async fn call(
    route: &Route,
    headers: &HeaderMap,
    mut client: Client,
    call: Call,
    end: StreamEnd,
    info: &Arc<RequestInfo>,
    keep_alive: Duration,
) -> Result<Response, GatewayError> {
    client.ready().await?;
    let messages = client
        .server_streaming(call, route.rpc.path.clone(), BytesCodec)
        .await?
        .into_inner();
    let messages = until(messages, end, info.lang);
    let output = route.rpc.output.clone();
    Ok(if is_in_lines(&route.rpc.rest, headers) {
        json_lines::respond(messages, output, info)
    } else {
        sse::respond(messages, output, info, keep_alive)
    })
}

/// Returns whether the stream is sent as JSON lines: to clients that accept them, and to all if the RPC offers nothing else.
fn is_in_lines(rest: &Rest, headers: &HeaderMap) -> bool {
    let accepts = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| {
            let media_type = range.split(';').next().unwrap_or_default();
            media_type.trim().eq_ignore_ascii_case(JSON_LINES)
        });
    rest.json_lines && (accepts || !rest.server_sent_events)
}

/// Returns the messages up to the first error, which may be that of `end`.
fn until<M>(
    messages: impl Stream<Item = Result<M, Status>> + Unpin + Send,
    end: StreamEnd,
    lang: Lang,
) -> impl Stream<Item = Result<M, Status>> + Send
where
    M: Send,
{
    stream::unfold(Some((messages, end)), move |open| async move {
        let (mut messages, mut end) = open?;
        let message = tokio::select! {
            message = messages.next() => message?,
            error = &mut end => Err(error.into_status(lang)),
        };
        let open = message.is_ok().then_some((messages, end));
        Some((message, open))
    })
}

/// Returns the problem with which a stream ends.
pub(super) fn problem(status: &Status, info: &RequestInfo) -> Value {
    tracing::info!(correlation_id = info.correlation_id, status = ?status.code(), "stream failed");
    Problem::from_status(status).to_json(info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_chooses_among_the_formats_that_the_rpc_offers() {
        let is_in_lines = |server_sent_events, json_lines, accept: Option<&'static str>| {
            let rest = Rest {
                server_sent_events,
                json_lines,
                ..Default::default()
            };
            let accept = accept.map(|value| (ACCEPT, value.parse().unwrap()));
            is_in_lines(&rest, &accept.into_iter().collect())
        };
        let (lines, events) = (
            Some("text/html, Application/x-ndjson;q=0.9"),
            Some("text/event-stream"),
        );
        assert!(is_in_lines(true, true, lines));
        for accept in [None, Some("*/*"), events, Some("application/json")] {
            assert!(!is_in_lines(true, true, accept), "{accept:?}");
            assert!(is_in_lines(false, true, accept), "{accept:?}");
        }
        assert!(!is_in_lines(true, false, lines));
    }
}
