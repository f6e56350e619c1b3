//! The gRPC front: raw bytes, routed by the name of the RPC. Nothing is decoded, so all four call kinds, trailers and rich
//! errors pass untouched.

mod body_limit;
mod health_reflection;
pub mod web;

use axum::body::Body;
use axum::response::Response;
use carshare_chassis::identity::Caller;
use carshare_chassis::{Deadline, Error, Lang};
use carshare_proto::common::v1::ErrorReason as Common;
use http::request::Parts;
use http::{Method, Request, Version};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tonic::Status;
use tonic::body::Body as GrpcBody;
use tower::ServiceExt as _;

pub use health_reflection::Infrastructure;

use crate::error::GatewayError;
use crate::headers;
use crate::method_table::Rpc;
use crate::request_context::Exchange;
use crate::state::{self, Edge};

/// A gRPC message is preceded by five bytes.
const PREFIX_BYTES: usize = 5;

/// Answers a gRPC request; gRPC-web was translated before.
pub async fn serve(edge: &Edge, exchange: &Exchange, request: Request<Body>) -> Response {
    if Infrastructure::serves(request.uri().path()) {
        return own(edge, exchange, request).await;
    }
    let Some(rpc) = edge.rpcs.find(request.uri().path()) else {
        return GatewayError::from(Error::new(Common::UnknownMethod)).answer(exchange);
    };
    let (parts, body) = request.into_parts();
    let scope = edge.scope(exchange, rpc, &parts.headers);
    let answer = edge
        .within(rpc, scope, forward(edge, exchange, rpc, parts, body))
        .await;
    state::with_matched_rpc(answer.unwrap_or_else(|refusal| refusal.answer(exchange)), rpc)
}

/// Health and reflection: open to everybody, and so within the same bounds as what is behind the door.
async fn own(edge: &Edge, exchange: &Exchange, request: Request<Body>) -> Response {
    let deadline = Deadline::after(edge.limits.timeout);
    let work = async {
        edge.count(exchange, None, &Caller::Anonymous).await?;
        let ending = edge.ending(&Caller::Anonymous)?;
        let answer = edge.infrastructure.answer(request).await;
        Ok(answer.map(|body| Body::new(body_limit::by(GrpcBody::new(body), ending, exchange.lang))))
    };
    let answer = state::until(deadline, work).await;
    answer.unwrap_or_else(|refusal| refusal.answer(exchange))
}

async fn forward(
    edge: &Edge,
    exchange: &Exchange,
    rpc: &Rpc,
    parts: Parts,
    body: Body,
) -> Result<Response, GatewayError> {
    let caller = edge.authorize(exchange, rpc, &parts.headers).await?;
    let lang = exchange.lang;
    let streaming = rpc.method.streaming();
    let ending = if streaming.server {
        Some(edge.ending(&caller)?)
    } else {
        None
    };
    let body = if streaming.client {
        unhinted(body, lang)
    } else {
        one_message(body, edge.limits.max_message_bytes, lang)
    };
    let mut answer = edge
        .peers
        .channel(rpc)?
        .oneshot(to_peer(rpc, &parts, body))
        .await?;
    headers::from_peer(answer.headers_mut());
    if let Some(ending) = ending {
        answer = answer.map(|body| body_limit::by(body, ending, lang));
    }
    Ok(answer.map(Body::new))
}

fn to_peer(rpc: &Rpc, parts: &Parts, body: GrpcBody) -> Request<GrpcBody> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = rpc.path.clone().into();
    *request.headers_mut() = headers::to_peer(&parts.headers);
    request
}

/// The body of translated gRPC-web-text still carries the length of its base64 form, and hyper would rely on it (tonic-web
/// 0.14.9): `map_frame` forgets the hint.
fn unhinted(body: Body, lang: Lang) -> GrpcBody {
    let body = body.map_frame(|frame| frame);
    GrpcBody::new(body.map_err(move |error| unreadable(error.into(), lang)))
}

/// A body that holds one message; the channel keeps it to send it again, so it must not be boundless.
fn one_message(body: Body, max_bytes: usize, lang: Lang) -> GrpcBody {
    let limited = Limited::new(
        body.map_frame(|frame| frame),
        max_bytes.saturating_add(PREFIX_BYTES),
    );
    GrpcBody::new(limited.map_err(move |error| unreadable(error, lang)))
}

/// A body that cannot be read is its sender's fault; the translation of gRPC-web calls it an inner error.
fn unreadable(error: axum::BoxError, lang: Lang) -> Status {
    let refusal = if error.is::<LengthLimitError>() {
        Error::new(Common::TooLarge)
    } else {
        Error::new(Common::InvalidArgument).cause(anyhow::Error::from_boxed(error))
    };
    refusal.into_status(lang)
}
