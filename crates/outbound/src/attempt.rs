//! One request over the wire and its answer read whole. Every failure is sorted by what it says about an effect.

use bytes::{Bytes, BytesMut};
use reqwest::{Request, Response};

use crate::backoff;
use crate::client::Inner;
use crate::error::OutboundError;
use crate::reply::Reply;

pub(crate) async fn run(client: &Inner, request: Request) -> Result<Reply, OutboundError> {
    let response = client.http.execute(request).await.map_err(sort)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let retry_after = backoff::retry_after(&headers, client.environment.clock.now());
    let body = read(response, client.config.max_body_bytes).await?;
    Ok(Reply {
        status,
        headers,
        body,
        retry_after,
    })
}

async fn read(mut response: Response, limit: usize) -> Result<Bytes, OutboundError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(sort)? {
        if body.len() + chunk.len() > limit {
            return Err(OutboundError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// A connection that was never made comes first: its own timeout is both.
fn sort(error: reqwest::Error) -> OutboundError {
    let error = error.without_url();
    tracing::debug!(%error, "transport");
    if error.is_connect() {
        OutboundError::Connect
    } else if error.is_builder() {
        OutboundError::Request("reqwest refused it")
    } else if error.is_timeout() {
        OutboundError::Timeout
    } else {
        OutboundError::Interrupted
    }
}
