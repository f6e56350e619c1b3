//! Forwards gRPC calls as raw bytes by the name of the RPC. Nothing is decoded, so all four kinds of calls, trailers and error
//! details pass unchanged.

mod builtin;
mod stream_trailers;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use carshare_chassis::identity::Caller;
use carshare_chassis::{Error, Lang};
use carshare_proto::common::v1::ErrorReason as Common;
use http::{Method, Version};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tonic::Status;
use tonic::body::Body as GrpcBody;
use tower::ServiceExt as _;

pub use builtin::BuiltinServices;

use crate::error::GatewayError;
use crate::headers;
use crate::method_table::Rpc;
use crate::state::AppState;

/// Length of the prefix of a gRPC message.
const PREFIX_BYTES: usize = 5;

/// Sends the request to the service of its RPC and returns the response.
pub async fn forward(
    state: &AppState,
    rpc: &Rpc,
    caller: &Caller,
    lang: Lang,
    request: Request,
) -> Result<Response, GatewayError> {
    let streaming = rpc.method.streaming();
    let end = streaming.server.then(|| state.stream_end(caller)).transpose()?;
    let max_bytes = (!streaming.client).then_some(state.limits.max_message_bytes);
    let request = to_service(rpc, request, max_bytes, lang);
    let mut response = state.peers.channel(rpc)?.oneshot(request).await?;
    headers::remove_hop_by_hop(response.headers_mut());
    Ok(match end {
        Some(end) => response.map(|body| Body::new(stream_trailers::end_with_status(body, end, lang))),
        None => response.map(Body::new),
    })
}

/// Answers health and reflection, open to everybody and within the same limits as the RPCs.
pub async fn builtin(
    state: &AppState,
    caller: &Caller,
    lang: Lang,
    request: Request,
) -> Result<Response, GatewayError> {
    let end = state.stream_end(caller)?;
    let response = state.builtin.call(request).await;
    Ok(response.map(|body| Body::new(stream_trailers::end_with_status(GrpcBody::new(body), end, lang))))
}

fn to_service(rpc: &Rpc, request: Request, max_bytes: Option<usize>, lang: Lang) -> http::Request<GrpcBody> {
    let (parts, body) = request.into_parts();
    let mut request = http::Request::new(request_body(body, max_bytes, lang));
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = rpc.path.clone().into();
    *request.headers_mut() = headers::to_service(&parts.headers);
    request
}

/// Limits the body of a unary request, which the channel keeps for retries.
///
/// A body of gRPC-web-text still has the size hint of its base64 form, on which hyper would rely (tonic-web 0.14.9);
/// `map_frame` drops it.
fn request_body(body: Body, max_bytes: Option<usize>, lang: Lang) -> GrpcBody {
    let body = body.map_frame(|frame| frame);
    match max_bytes {
        None => GrpcBody::new(body.map_err(move |error| unreadable(error.into(), lang))),
        Some(max) => {
            let limited = Limited::new(body, max.saturating_add(PREFIX_BYTES));
            GrpcBody::new(limited.map_err(move |error| unreadable(error, lang)))
        }
    }
}

/// Blames the sender for a body that cannot be read; tonic-web reports an internal error.
fn unreadable(error: axum::BoxError, lang: Lang) -> Status {
    let error = if error.is::<LengthLimitError>() {
        Error::new(Common::TooLarge)
    } else {
        Error::new(Common::InvalidArgument).cause(anyhow::Error::from_boxed(error))
    };
    error.into_status(lang)
}
