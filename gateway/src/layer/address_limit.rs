//! Refuses a request when `limits.in_flight_by_address` others of the same address wait for their response head, so that a few clients
//! cannot take all places. Open streams do not count. An own layer: tower's limit has one budget for everybody.

use std::net::IpAddr;

use axum::extract::Request;
use axum::response::IntoResponse as _;
use carshare_chassis::Error;
use carshare_proto::common::v1::ErrorReason as Common;
use futures::FutureExt as _;
use futures::future::{Either, ready};

use super::request_info::RequestInfo;
use super::{Inner, Result};
use crate::error::GatewayError;
use crate::in_flight::InFlight;
use crate::problem::DEFAULT_RETRY_AFTER;

pub fn limit<S: Inner>(
    in_flight: &InFlight<IpAddr>,
    inner: &mut S,
    request: Request,
) -> impl Future<Output = Result> + use<S> {
    let Some(place) = in_flight.take(RequestInfo::of(request.extensions()).client_ip, None) else {
        return Either::Right(ready(Ok(GatewayError::from(refusal()).into_response())));
    };
    Either::Left(inner.call(request).inspect(place.until_answered()))
}

/// Returns the error of a request above the limit of its address, and counts it.
pub(super) fn refusal() -> Error {
    metrics::counter!("edge_limited_total", "budget" => "in_flight_by_address").increment(1);
    Error::new(Common::RateLimited).retry_after(DEFAULT_RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use axum::body::Body;
    use axum::response::Response;
    use carshare_chassis::layer::from_fn;
    use futures::future::join_all;
    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn address_above_its_limit_is_refused_and_others_are_served() {
        let service = ServiceBuilder::new()
            .layer(from_fn(InFlight::new(2), limit))
            .service(service_fn(async |_: Request| {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok(Response::new(Body::empty()))
            }));
        for _ in 0..2 {
            let calls = ["1.1.1.1", "1.1.1.1", "1.1.1.1", "2.2.2.2"].map(|address| {
                let mut request = Request::new(Body::empty());
                let info = RequestInfo {
                    client_ip: address.parse().unwrap(),
                    ..RequestInfo::default()
                };
                request.extensions_mut().insert(Arc::new(info));
                service.clone().oneshot(request)
            });
            let responses = join_all(calls).await.into_iter();
            let errors = responses.map(|response| GatewayError::take(&mut response.unwrap()));
            let codes = errors.map(|error| error.map(|error| error.problem().code().to_owned()));
            let refused = Some("COMMON004".to_owned());
            assert_eq!(codes.collect::<Vec<_>>(), [None, None, refused, None]);
        }
    }
}
