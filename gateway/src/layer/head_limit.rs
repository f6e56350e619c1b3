//! Refuses a request with a larger head than a client of this API needs. An own layer: hyper answers heads above its own, larger bound
//! without a body, before there is a request.

use axum::extract::Request;
use axum::response::IntoResponse as _;
use carshare_chassis::Error;
use carshare_proto::common::v1::ErrorReason as Common;
use futures::future::{Either, ready};

use super::{Inner, Result};
use crate::error::GatewayError;

/// Upper bound of the bytes of target and headers. The services accept as much.
const MAX_HEAD_BYTES: usize = 64 * 1024;

pub fn check<S: Inner>((): &(), inner: &mut S, request: Request) -> impl Future<Output = Result> + use<S> {
    if head_bytes(&request) > MAX_HEAD_BYTES {
        let error = Error::new(Common::HeadersTooLarge);
        return Either::Right(ready(Ok(GatewayError::from(error).into_response())));
    }
    Either::Left(inner.call(request))
}

/// Returns the bytes of target and headers, without their separators.
fn head_bytes(request: &Request) -> usize {
    let target = request.uri().path().len() + request.uri().query().map_or(0, str::len);
    let headers = request.headers().iter();
    target
        + headers
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum::<usize>()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::response::Response;
    use carshare_chassis::layer::from_fn;
    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::*;

    async fn code(target: &str, header: usize) -> Option<String> {
        let service = ServiceBuilder::new()
            .layer(from_fn((), check))
            .service(service_fn(async |_: Request| Ok(Response::new(Body::empty()))));
        let request = Request::get(target).header("a", "x".repeat(header));
        let response = service.oneshot(request.body(Body::empty()).unwrap()).await;
        let error = GatewayError::take(&mut response.unwrap());
        error.map(|error| error.problem().code().to_owned())
    }

    #[tokio::test]
    async fn head_above_the_limit_is_refused() {
        let too_large = Some("COMMON015".to_owned());
        assert_eq!(code("/", MAX_HEAD_BYTES - 2).await, None);
        assert_eq!(code("/", MAX_HEAD_BYTES - 1).await, too_large);
        let long = format!("/?{}", "x".repeat(40_000));
        assert_eq!(code(&long, 10_000).await, None);
        assert_eq!(code(&long, 30_000).await, too_large);
    }
}
