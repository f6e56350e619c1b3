//! One attempt: sends the request and reads the whole reply. Failures are classified by whether the request was sent.

use bytes::{Bytes, BytesMut};
use reqwest::{Request, Response};

use crate::error::OutboundError;
use crate::reply::Reply;
use crate::retry_after::retry_after;
use crate::shared::Shared;

pub(crate) async fn run(client: &Shared, request: Request) -> Result<Reply, OutboundError> {
    let response = client.http.execute(request).await.map_err(classify)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let retry_after = retry_after(&headers, client.environment.clock.now());
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
    while let Some(chunk) = response.chunk().await.map_err(classify)? {
        if body.len() + chunk.len() > limit {
            return Err(OutboundError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Classifies an error of the transport. A connect timeout is both a connect error and a timeout: the former is checked
/// first, since it proves that nothing was sent.
fn classify(error: reqwest::Error) -> OutboundError {
    let error = error.without_url();
    tracing::debug!(%error, "attempt failed");
    if error.is_connect() {
        OutboundError::Connect
    } else if error.is_builder() {
        OutboundError::Request("reqwest rejected it")
    } else if error.is_timeout() {
        OutboundError::Timeout
    } else {
        OutboundError::Interrupted
    }
}
