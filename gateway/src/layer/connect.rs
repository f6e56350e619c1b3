//! Translates the Connect protocol (connectrpc.com/docs/protocol) to gRPC and back, with messages as protobuf or as canonical JSON: unary
//! calls as plain POST requests, streams as envelopes. GET requests and compressed envelopes are not supported, which the protocol leaves open.
//! An own layer, because no library does this without generated services.

mod codec;
mod error;
mod stream;
mod unary;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use bytes::{BufMut as _, Bytes, BytesMut};
use carshare_chassis::deadline::{self, GRPC_TIMEOUT};
use carshare_chassis::layer::take;
use carshare_chassis::{Lang, method_registry};
use futures::future::Either;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tonic::Status;

use self::codec::Codec;
use super::request_info::{Protocol, RequestInfo};
use super::{Inner, Result};
use crate::state::AppState;

const PROTOCOL_VERSION: &str = "connect-protocol-version";
const TIMEOUT_MS: &str = "connect-timeout-ms";
const TIMEOUT_DIGITS: usize = 10;

const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const CONTENT_TYPES: &str =
    "application/json, application/proto, application/connect+json, application/connect+proto";

/// A flag and the length precede each message of a stream, in Connect as in gRPC.
const PREFIX_BYTES: usize = 5;

/// The kind of a call and the format of its messages, as the content type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Form {
    is_unary: bool,
    is_json: bool,
}

pub fn translate<S>(
    state: &Arc<AppState>,
    inner: &mut S,
    request: Request,
) -> impl Future<Output = Result> + use<S>
where
    S: Inner<Future: Send> + Clone + Send + 'static,
{
    let info = request.extensions().get::<Arc<RequestInfo>>();
    if info.is_none_or(|info| info.protocol != Protocol::Connect) {
        return Either::Left(inner.call(request));
    }
    let (state, inner) = (Arc::clone(state), take(inner));
    Either::Right(async move { Ok(answer(&state, inner, request).await) })
}

async fn answer<S>(state: &AppState, inner: S, request: Request) -> Response
where
    S: Inner<Future: Send> + Send,
{
    let method = method_registry::find(request.uri().path());
    let form = Form::of(request.headers());
    match form.filter(|form| method.is_none_or(|method| method.is_unary() == form.is_unary)) {
        Some(form) => call(state, form, inner, request)
            .await
            .unwrap_or_else(|status| error::response(form, &status)),
        None => (StatusCode::UNSUPPORTED_MEDIA_TYPE, [(ACCEPT_POST, CONTENT_TYPES)]).into_response(),
    }
}

async fn call<S>(
    state: &AppState,
    form: Form,
    inner: S,
    request: Request,
) -> std::result::Result<Response, Status>
where
    S: Inner<Future: Send> + Send,
{
    let codec = Codec::of(form, state.methods.find(request.uri().path()))?;
    let context = Call {
        form,
        codec,
        max_bytes: state.config.common.server.max_message_bytes,
        body_timeout: state.config.service.edge.body_timeout,
        lang: RequestInfo::of(request.extensions()).lang,
        asked: request.headers().clone(),
    };
    let (mut head, body) = request.into_parts();
    to_grpc(&mut head.headers)?;
    if form.is_unary {
        unary::call(context, state, inner, head, body).await
    } else {
        stream::call(context, inner, head, body).await
    }
}

/// A call while it is translated.
struct Call {
    form: Form,
    codec: Codec,
    /// Upper bound of a request message.
    max_bytes: usize,
    /// In which the body of a unary call has to arrive: it is read here, above the layers that bound requests.
    body_timeout: Duration,
    lang: Lang,
    /// The headers of the request.
    asked: HeaderMap,
}

impl Form {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let (essence, charset) = content_type.split_once(';').unwrap_or((content_type, ""));
        let (is_unary, is_json) = match essence.trim() {
            "application/json" => (true, true),
            "application/proto" => (true, false),
            "application/connect+json" => (false, true),
            "application/connect+proto" => (false, false),
            _ => return None,
        };
        let is_utf8 = matches!(charset.trim().to_ascii_lowercase().as_str(), "" | "charset=utf-8");
        is_utf8.then_some(Self { is_unary, is_json })
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match (self.is_unary, self.is_json) {
            (true, true) => "application/json",
            (true, false) => "application/proto",
            (false, true) => "application/connect+json",
            (false, false) => "application/connect+proto",
        })
    }
}

/// Replaces the headers of Connect by those of gRPC.
fn to_grpc(headers: &mut HeaderMap) -> std::result::Result<(), Status> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if text(PROTOCOL_VERSION).is_some_and(|version| version != "1") {
        return Err(Status::invalid_argument("connect-protocol-version must be 1"));
    }
    let timeout = text(TIMEOUT_MS).map(timeout).transpose()?;
    for name in [CONTENT_LENGTH, CONTENT_ENCODING, ACCEPT_ENCODING] {
        headers.remove(name);
    }
    headers.extend(timeout.map(|timeout| (HeaderName::from_static(GRPC_TIMEOUT), timeout)));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    Ok(())
}

/// Converts a number of milliseconds to a `grpc-timeout`.
fn timeout(text: &str) -> std::result::Result<HeaderValue, Status> {
    let is_number =
        (1..=TIMEOUT_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let milliseconds = text.parse().ok().filter(|_| is_number).map(Duration::from_millis);
    let timeout = milliseconds.and_then(|left| HeaderValue::try_from(deadline::format_timeout(left)).ok());
    timeout.ok_or_else(|| Status::invalid_argument("connect-timeout-ms is not a number of at most 10 digits"))
}

/// Returns a message after its flag and length.
fn envelope(flag: u8, message: &[u8]) -> std::result::Result<Bytes, Status> {
    let length = u32::try_from(message.len()).map_err(|_| Status::internal("the message is above 4 GiB"))?;
    let mut envelope = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    envelope.put_u8(flag);
    envelope.put_u32(length);
    envelope.put_slice(message);
    Ok(envelope.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_follows_the_content_type() {
        for (content_type, expected) in [
            ("application/json", Some((true, true))),
            ("application/json; charset=utf-8", Some((true, true))),
            ("application/proto", Some((true, false))),
            ("application/connect+json", Some((false, true))),
            ("application/connect+proto", Some((false, false))),
            ("application/json; charset=euc-kr", None),
            ("application/connect+thrift", None),
            ("text/plain", None),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().unwrap())]);
            let form = Form::of(&headers).map(|form| (form.is_unary, form.is_json));
            assert_eq!(form, expected, "{content_type}");
        }
        assert_eq!(Form::of(&HeaderMap::new()), None);
    }

    #[test]
    fn timeout_of_milliseconds_becomes_that_of_grpc() {
        for (text, expected) in [
            ("1500", Some("1500000u")),
            ("9999999999", Some("9999999S")),
            ("12345678901", None),
            ("-1", None),
            ("1.5", None),
            ("", None),
        ] {
            let headers = [(HeaderName::from_static(TIMEOUT_MS), text.parse().unwrap())];
            let mut headers = HeaderMap::from_iter(headers);
            let timeout = to_grpc(&mut headers).ok().map(|()| headers[GRPC_TIMEOUT].clone());
            assert_eq!(timeout, expected.map(HeaderValue::from_static), "{text}");
        }
    }

    #[test]
    fn unknown_version_of_the_protocol_is_refused() {
        let result = |version: &str| {
            let headers = [(
                HeaderName::from_static(PROTOCOL_VERSION),
                version.parse().unwrap(),
            )];
            to_grpc(&mut HeaderMap::from_iter(headers)).is_ok()
        };
        assert!(result("1") && !result("2"));
    }
}
