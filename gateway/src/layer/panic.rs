//! A panic is a defect, but not a silence: the client gets an `INTERNAL` refusal and the log the text.

use std::panic::AssertUnwindSafe;

use axum::Extension;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use carshare_chassis::Error;
use futures::FutureExt as _;

use crate::error::GatewayError;
use crate::request_context::Exchange;

/// Catches panics of everything inside.
pub async fn catch(Extension(exchange): Extension<Exchange>, request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            metrics::counter!("edge_panics_total").increment(1);
            let text = carshare_chassis::task::panic_text(&*panic).to_owned();
            GatewayError::from(Error::internal(anyhow::anyhow!("panicked: {text}"))).answer(&exchange)
        }
    }
}
