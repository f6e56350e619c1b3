//! Load shedding: what is too much at once is refused quickly instead of being served slowly. A request counts until its
//! answer begins, so open streams do not.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use carshare_chassis::Error;
use tokio::sync::Semaphore;

use crate::error::{GatewayError, UNAVAILABLE_RETRY_AFTER};
use crate::request_context::Exchange;

/// Places for requests that wait for their answer.
pub type Places = Arc<Semaphore>;

/// Refuses when all places are taken.
pub async fn shed(
    State(places): State<Places>,
    Extension(exchange): Extension<Exchange>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(_place) = places.try_acquire() else {
        metrics::counter!("edge_shed_total").increment(1);
        return GatewayError::from(Error::unavailable(
            "the gateway is overloaded",
            UNAVAILABLE_RETRY_AFTER,
        ))
        .answer(&exchange);
    };
    next.run(request).await
}
