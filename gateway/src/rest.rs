//! Transcodes REST: the HTTP request becomes a request message, the reply message becomes JSON.

mod codec;
mod json_lines;
mod list_headers;
mod multipart;
mod query;
mod request;
mod response;
mod sse;
mod stream;

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use carshare_chassis::Error;
use carshare_chassis::client::PeerChannel;
use carshare_chassis::identity::Caller;
use tokio::sync::OwnedSemaphorePermit;
use tonic::client::Grpc;

pub(crate) use json_lines::JSON_LINES;
pub(crate) use list_headers::{NEXT_PAGE_TOKEN, NEXT_PAGE_TOKEN_FIELD, TOTAL_COUNT, TOTAL_COUNT_FIELD};
pub(crate) use request::MERGE_PATCH;
pub(crate) use response::{ETAG_FIELD, success_status};
pub(crate) use sse::CURSOR;

use crate::error::GatewayError;
use crate::headers;
use crate::layer::request_info::RequestInfo;
use crate::problem::DEFAULT_RETRY_AFTER;
use crate::routes::{Bindings, Route};
use crate::state::AppState;

/// A client of an RPC with messages in wire bytes.
type Client = Grpc<PeerChannel>;
type Call = tonic::Request<Bytes>;

/// Takes the place of a form until its call is answered: each is in memory whole.
fn form_place(state: &AppState) -> Result<OwnedSemaphorePermit, Error> {
    let place = Arc::clone(&state.forms).try_acquire_owned();
    place.map_err(|_| Error::unavailable("too many forms are in progress", DEFAULT_RETRY_AFTER))
}

/// Calls the RPC of the route. A server stream becomes server-sent events or JSON lines.
pub async fn call(
    state: &AppState,
    info: &Arc<RequestInfo>,
    route: &Route,
    bindings: Bindings,
    caller: &Caller,
    request: Request,
) -> Result<Response, GatewayError> {
    let config = &state.config.service.edge;
    let (parts, body) = request.into_parts();
    let (max_bytes, _place) = if request::is_form(route, &parts.headers) {
        (config.max_form_bytes, Some(form_place(state)?))
    } else {
        (config.max_body_bytes, None)
    };
    let message = request::decode(route, bindings, &parts, body, max_bytes).await?;
    let mut call = Call::new(message);
    *call.metadata_mut() =
        headers::to_metadata(&parts.headers, &route.rpc.rest.request_headers, info.client_ip);
    let channel = state.peers.channel(&route.rpc)?;
    let client = Grpc::new(channel).max_decoding_message_size(config.max_reply_bytes);
    if route.rpc.method.streaming().server {
        let end = state.stream_end(caller, info)?;
        let headers = &parts.headers;
        stream::call(route, headers, client, call, end, info, config.keep_alive).await
    } else {
        response::unary(route, &parts, client, call).await
    }
}
