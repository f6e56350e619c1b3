//! Turns a panic into an `INTERNAL` error; its text is logged and not sent. An own layer: tower-http's boxes every response body.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use carshare_chassis::Error;
use carshare_chassis::task::panic_text;
use futures::FutureExt as _;

use super::{Inner, Result};
use crate::error::GatewayError;

pub fn catch<S: Inner>((): &(), inner: &mut S, request: Request) -> impl Future<Output = Result> + use<S> {
    let running = AssertUnwindSafe(inner.call(request)).catch_unwind();
    running.map(|caught| caught.unwrap_or_else(|panic| Ok(respond(&*panic))))
}

fn respond(panic: &(dyn Any + Send)) -> Response {
    metrics::counter!("edge_panics_total").increment(1);
    let cause = anyhow::anyhow!("panicked: {}", panic_text(panic));
    GatewayError::from(Error::internal(cause)).into_response()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::Body;
    use carshare_chassis::layer::from_fn;
    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn panic_is_an_internal_error() {
        let service = ServiceBuilder::new()
            .layer(from_fn((), catch))
            .service(service_fn(async |request: Request| {
                assert_eq!(request.uri().path(), "/calm", "hunter2");
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }));
        let call = |path| {
            service
                .clone()
                .oneshot(Request::get(path).body(Body::empty()).unwrap())
        };
        let mut panicked = call("/panic").await.unwrap();
        let error = GatewayError::take(&mut panicked).unwrap();
        assert_eq!(error.problem().code(), "COMMON007");
        assert_eq!(call("/calm").await.unwrap().status().as_u16(), 200);
    }
}
