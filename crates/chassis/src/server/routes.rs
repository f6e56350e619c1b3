//! Finds the tonic service of a path. tonic's own router is axum's, which matches patterns and boxes each body and future again.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::Service;

type Serving = BoxFuture<'static, Result<Response<Body>, Infallible>>;
type Call = Arc<dyn Fn(Request<Body>) -> Serving + Send + Sync>;

/// A service that [`Routes`] can have: every one that tonic generates.
pub trait RpcService:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future = Serving>
    + NamedService
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> RpcService for S where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future = Serving>
        + NamedService
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Services by their full name, `carshare.booking.v1.BookingService`.
#[derive(Default)]
pub struct RoutesBuilder(HashMap<&'static str, Call>);

#[derive(Clone)]
pub struct Routes(Arc<HashMap<&'static str, Call>>);

impl RoutesBuilder {
    pub fn add<S: RpcService>(&mut self, service: S) {
        // A generated service is always ready.
        let call = Arc::new(move |request| service.clone().call(request));
        self.0.insert(S::NAME, call);
    }

    pub fn build(self) -> Routes {
        Routes(Arc::new(self.0))
    }
}

impl Service<Request<Body>> for Routes {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Serving;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Serving {
        match self.0.get(service_name(request.uri().path())) {
            Some(call) => call(request),
            None => ready(Ok(Status::unimplemented("unknown service").into_http())).boxed(),
        }
    }
}

/// Returns the name of the service in `/carshare.booking.v1.BookingService/CreateBooking`.
fn service_name(path: &str) -> &str {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split_once('/').map_or(path, |(service, _)| service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_of_a_service_is_the_first_segment_of_the_path() {
        assert_eq!(
            service_name("/grpc.health.v1.Health/Check"),
            "grpc.health.v1.Health"
        );
        assert_eq!(service_name("/a/b/c"), "a");
        assert_eq!(service_name("a"), "a");
        assert_eq!(service_name(""), "");
    }

    #[tokio::test]
    async fn unknown_service_is_unimplemented() {
        let request = Request::get("/a.B/C").body(Body::empty()).unwrap();
        let response = RoutesBuilder::default().build().call(request).await.unwrap();
        let status = Status::from_header_map(response.headers()).unwrap();
        assert_eq!(status.code(), tonic::Code::Unimplemented);
    }
}
