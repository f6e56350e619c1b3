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
use http::header::{ALLOW, CONTENT_LENGTH};
use http::request::Parts;
use http::{HeaderValue, Method, Request};
use http_body::Body as _;
use prost_reflect::DynamicMessage;
use tonic::client::Grpc;

pub(crate) use reply::{NEXT_FIELD, NEXT_PAGE_TOKEN, success_status};
pub(crate) use sse::CURSOR;

use crate::error::GatewayError;
use crate::headers;
use crate::request_context::Exchange;
use crate::routes::{Bindings, Found, Route};
use crate::state::{self, Edge};

/// The client side of an RPC whose types are known by their descriptors only.
type Client = Grpc<PeerChannel>;
/// A request message with its metadata.
type Call = tonic::Request<DynamicMessage>;

/// Answers a request that is not gRPC.
pub async fn serve(edge: &Edge, exchange: &Exchange, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let is_head = parts.method == Method::HEAD;
    match edge.routes.find(&parts.method, parts.uri.path()) {
        Found::Route(route, bindings) => {
            let scope = edge.scope(exchange, &route.rpc, &parts.headers);
            let call = call(edge, exchange, route, bindings, parts, body);
            let answer = edge.within(&route.rpc, scope, call).await;
            let response = answer.unwrap_or_else(|refusal| refusal.answer(exchange));
            let response = if is_head { headless(response) } else { response };
            state::with_matched_rpc(response, &route.rpc)
        }
        Found::OtherMethods(methods) => wrong_method(exchange, &methods),
        Found::Nothing => GatewayError::from(Error::new(Common::NotFound)).answer(exchange),
    }
}

async fn call(
    edge: &Edge,
    exchange: &Exchange,
    route: &Route,
    bindings: Bindings,
    parts: Parts,
    body: Body,
) -> Result<Response, GatewayError> {
    let caller = edge.authorize(exchange, &route.rpc, &parts.headers).await?;
    let message = request::read(route, bindings, &parts, body, edge.limits.max_body_bytes).await?;
    let mut call = Call::new(message);
    *call.metadata_mut() = headers::to_metadata(&parts.headers);
    let client =
        Grpc::new(edge.peers.channel(&route.rpc)?).max_decoding_message_size(edge.limits.max_reply_bytes);
    if route.rpc.method.streaming().server {
        let ending = edge.ending(&caller)?;
        let messages = sse::open(route, client, call).await?;
        Ok(sse::present(messages, ending, exchange, edge.keep_alive))
    } else {
        reply::answer(route, &parts.uri, client, call).await
    }
}

/// Answers HEAD like GET without the body; `Content-Length` is that of GET.
fn headless(response: Response) -> Response {
    let length = response.body().size_hint().exact();
    let mut response = response.map(|_| Body::empty());
    if let Some(length) = length {
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

/// RFC 9110 §15.5.6: `Allow` lists the methods.
fn wrong_method(exchange: &Exchange, methods: &[Method]) -> Response {
    let mut response = GatewayError::from(Error::new(Common::MethodNotAllowed)).answer(exchange);
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
