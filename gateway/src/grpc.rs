//! Forwards gRPC calls as raw bytes by the name of the RPC. Nothing is decoded, so all four kinds of calls, trailers and error
//! details pass unchanged.

mod builtin;
mod gzip_reply;
mod stream_trailers;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use carshare_chassis::identity::Caller;
use carshare_chassis::message_limit;
use http::{Method, Version};
use http_body_util::BodyExt as _;
use tonic::body::Body as GrpcBody;
use tower::ServiceExt as _;

pub use builtin::BuiltinServices;

use crate::error::GatewayError;
use crate::headers;
use crate::layer::request_info::RequestInfo;
use crate::method_table::Rpc;
use crate::state::AppState;

/// Sends the request to the service of its RPC and returns the response.
pub async fn forward(
    state: &AppState,
    rpc: &Rpc,
    caller: &Caller,
    info: &RequestInfo,
    request: Request,
) -> Result<Response, GatewayError> {
    let (streaming, lang) = (rpc.method.streaming(), info.lang);
    let end = streaming.server.then(|| state.stream_end(caller, info));
    let end = end.transpose()?;
    // The channel keeps the body of a call that is one message, to send it again.
    let max_bytes = if streaming.client {
        usize::MAX
    } else {
        state.config.common.server.max_message_bytes
    };
    let compresses = end.is_none() && gzip_reply::is_accepted(request.headers());
    let request = to_service(rpc, request, max_bytes, info);
    let mut response = state.peers.channel(rpc)?.oneshot(request).await?;
    headers::remove_hop_by_hop(response.headers_mut());
    if compresses {
        response = gzip_reply::compress(response).await?;
    }
    Ok(match end {
        Some(end) => response.map(|body| Body::new(stream_trailers::end_with_status(body, end, lang))),
        None => response.map(Body::new),
    })
}

/// Answers health and reflection, open to everybody and within the same limits as the RPCs.
pub async fn builtin(
    state: &AppState,
    caller: &Caller,
    info: &RequestInfo,
    request: Request,
) -> Result<Response, GatewayError> {
    let end = state.stream_end(caller, info)?;
    let response = state.builtin.call(request).await?;
    Ok(response.map(|body| {
        Body::new(stream_trailers::end_with_status(
            GrpcBody::new(body),
            end,
            info.lang,
        ))
    }))
}

fn to_service(rpc: &Rpc, request: Request, max_bytes: usize, info: &RequestInfo) -> http::Request<GrpcBody> {
    let (parts, body) = request.into_parts();
    // A body of gRPC-web-text still has the size hint of its base64 form, on which hyper would rely (tonic-web 0.14.9).
    let without_hint = body.map_frame(|frame| frame);
    let mut request = http::Request::new(message_limit::limited(without_hint, max_bytes, info.lang));
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = rpc.path.clone().into();
    *request.headers_mut() = headers::to_service(&parts.headers, info.client_ip);
    request
}
