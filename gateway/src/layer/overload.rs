//! Refuses a request when `server.max_in_flight` others wait for their response head and none of them is still arriving. Open streams do
//! not count. An own layer: tower's limit cannot end a request for another one.

use axum::extract::Request;
use axum::response::IntoResponse as _;
use carshare_chassis::Error;
use futures::FutureExt as _;
use futures::future::{Either, ready};

use super::{Inner, Result};
use crate::error::GatewayError;
use crate::in_flight::{Arrival, InFlight};
use crate::problem::DEFAULT_RETRY_AFTER;

pub fn limit<S: Inner>(
    in_flight: &InFlight<()>,
    inner: &mut S,
    request: Request,
) -> impl Future<Output = Result> + use<S> {
    match in_flight.take((), request.extensions().get::<Arrival>()) {
        Some(place) => Either::Left(inner.call(request).inspect(place.until_answered())),
        None => Either::Right(ready(Ok(GatewayError::from(refusal()).into_response()))),
    }
}

/// Returns the error of a request for which there is no place, and counts it.
pub(super) fn refusal() -> Error {
    metrics::counter!("edge_shed_total").increment(1);
    Error::unavailable("the gateway is overloaded", DEFAULT_RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use axum::body::Body;
    use axum::response::Response;
    use carshare_chassis::layer::from_fn;
    use futures::future::join_all;
    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn request_above_the_limit_is_refused_and_a_later_one_is_served() {
        let service = ServiceBuilder::new()
            .layer(from_fn(InFlight::new(2), limit))
            .service(service_fn(async |_: Request| {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }));
        let call = || service.clone().oneshot(Request::new(Body::empty()));
        let responses = join_all([call(), call(), call()]).await;
        let codes = responses.into_iter().map(|response| {
            let error = GatewayError::take(&mut response.unwrap());
            error.map(|error| error.problem().code().to_owned())
        });
        assert_eq!(
            codes.collect::<Vec<_>>(),
            [None, None, Some("COMMON005".to_owned())]
        );
        assert!(GatewayError::take(&mut call().await.unwrap()).is_none());
    }
}
