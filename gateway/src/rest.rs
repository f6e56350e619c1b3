//! The REST front: an HTTP request becomes a call, the reply becomes JSON, as the contract says.

mod codec;
mod query;
mod reply;
mod request;
mod sse;

use axum::body::Body;
use axum::response::Response;
use carshare_chassis::Error;
use carshare_chassis::client::PeerChannel;
use carshare_proto::common::v1::ErrorReason as Common;
use http::header::ALLOW;
use http::request::Parts;
use http::{HeaderValue, Method, Request};
use prost_reflect::DynamicMessage;
use tonic::client::Grpc;

pub(crate) use reply::{NEXT_FIELD, NEXT_PAGE_TOKEN, success_status};
pub(crate) use sse::CURSOR;
pub use sse::Options as StreamOptions;

use crate::edge::{self, Edge};
use crate::exchange::Exchange;
use crate::headers;
use crate::refusal::Refusal;
use crate::routes::{Bindings, Found, Route};

/// A request message with its metadata.
type Call = tonic::Request<DynamicMessage>;

/// Answers a request that is not gRPC.
pub async fn serve(edge: &Edge, exchange: &Exchange, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    match edge.routes.find(&parts.method, parts.uri.path()) {
        Found::Route(route, bindings) => {
            let scope = edge.scope(exchange, &route.rpc, &parts.headers);
            let call = call(edge, exchange, route, bindings, parts, body);
            let answer = edge::within(scope, call).await;
            let response = answer.unwrap_or_else(|refusal| refusal.answer(exchange));
            edge::labelled(response, &route.rpc)
        }
        Found::OtherMethods(methods) => wrong_method(exchange, &methods),
        Found::Nothing => Refusal::from(Error::refuse(Common::NotFound)).answer(exchange),
    }
}

async fn call(
    edge: &Edge,
    exchange: &Exchange,
    route: &Route,
    bindings: Bindings,
    parts: Parts,
    body: Body,
) -> Result<Response, Refusal> {
    edge.admit(&route.rpc, &parts.headers).await?;
    let message = request::read(route, bindings, &parts, body, edge.limits.max_body_bytes).await?;
    let mut call = Call::new(message);
    *call.metadata_mut() = headers::to_metadata(&parts.headers);
    let channel = edge.peers.channel(&route.rpc)?;
    let max_bytes = edge.limits.max_reply_bytes;
    if route.rpc.method.streaming().server {
        sse::answer(&edge.streams, exchange, route, channel, call, max_bytes).await
    } else {
        reply::answer(route, &parts.uri, channel, call, max_bytes).await
    }
}

/// The client side of one RPC whose types are known by their descriptors only.
fn client(channel: PeerChannel, max_bytes: usize) -> Grpc<PeerChannel> {
    Grpc::new(channel).max_decoding_message_size(max_bytes)
}

/// RFC 9110 §15.5.6: the methods that are allowed are told.
fn wrong_method(exchange: &Exchange, methods: &[Method]) -> Response {
    let mut response = Refusal::from(Error::refuse(Common::MethodNotAllowed)).answer(exchange);
    let mut names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    if methods.contains(&Method::GET) {
        names.push("HEAD");
    }
    names.sort_unstable();
    if let Ok(allowed) = HeaderValue::from_str(&names.join(", ")) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}
