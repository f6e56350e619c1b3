//! Writes errors in the protocol and language of the client: as a problem over REST, as a status over gRPC. An own layer,
//! because both are formats of this gateway. Inner layers return [`GatewayError`] and need not know the client.

use axum::extract::Request;
use axum::response::Response;

use futures::TryFutureExt as _;

use super::request_info::RequestInfo;
use super::{Inner, Result};
use crate::error::GatewayError;

pub fn render<S: Inner>((): &(), inner: &mut S, request: Request) -> impl Future<Output = Result> + use<S> {
    let info = RequestInfo::of(request.extensions());
    inner.call(request).map_ok(move |mut response| {
        let Some(error) = GatewayError::take(&mut response) else {
            return response;
        };
        let (rendered, body) = error.render(&info).into_parts();
        let (mut parts, _) = response.into_parts();
        parts.status = rendered.status;
        parts.headers.extend(rendered.headers);
        parts.extensions.extend(rendered.extensions);
        Response::from_parts(parts, body)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::body::Body;
    use carshare_chassis::layer::from_fn;
    use carshare_chassis::{Error, Lang};
    use carshare_proto::common::v1::ErrorReason as Common;
    use http::Method;
    use http::header::ALLOW;
    use tower::{ServiceBuilder, ServiceExt as _};

    use super::*;
    use crate::error::{ErrorCode, method_not_allowed};
    use crate::layer::request_info::Protocol;

    async fn rendered<F, T>(protocol: Protocol, handler: F) -> Response
    where
        F: axum::handler::Handler<T, ()> + Sync,
        T: 'static,
    {
        let service = ServiceBuilder::new()
            .layer(from_fn((), render))
            .service(handler.with_state(()));
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(Arc::new(RequestInfo {
            protocol,
            ..RequestInfo::for_test(Lang::En, "c", "/v1/bookings")
        }));
        service.oneshot(request).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn error_is_a_problem_over_rest_and_a_status_over_grpc() {
        let fail = async || GatewayError::from(Error::new(Common::NotFound));
        let rest = rendered(Protocol::Rest, fail).await;
        assert_eq!(rest.status().as_u16(), 404);
        assert_eq!(rest.headers()["content-type"], "application/problem+json");
        assert_eq!(rest.extensions().get::<ErrorCode>().unwrap().0, "COMMON002");
        let grpc = rendered(Protocol::Grpc, fail).await;
        assert_eq!(
            (grpc.status().as_u16(), &grpc.headers()["grpc-status"]),
            (200, &"5".parse().unwrap())
        );
    }

    #[tokio::test(start_paused = true)]
    async fn headers_of_the_error_are_kept() {
        let refused = rendered(Protocol::Rest, async || method_not_allowed([Method::POST])).await;
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()[ALLOW]),
            (405, &"POST".parse().unwrap())
        );
    }

    #[tokio::test(start_paused = true)]
    async fn other_responses_pass_unchanged() {
        let response = rendered(Protocol::Rest, async || "hello").await;
        let body = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
        assert_eq!(body, "hello");
    }
}
