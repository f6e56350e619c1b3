//! Turns a panic into an `INTERNAL` error; its text is logged and not sent.

use std::any::Any;

use axum::response::{IntoResponse as _, Response};
use carshare_chassis::Error;
use carshare_chassis::task::panic_text;
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::GatewayError;

type Panic = Box<dyn Any + Send>;

pub fn layer() -> CatchPanicLayer<fn(Panic) -> Response> {
    CatchPanicLayer::custom(respond)
}

fn respond(panic: Panic) -> Response {
    metrics::counter!("edge_panics_total").increment(1);
    let cause = anyhow::anyhow!("panicked: {}", panic_text(&*panic));
    GatewayError::from(Error::internal(cause)).into_response()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn panic_is_an_internal_error() {
        let service =
            ServiceBuilder::new()
                .layer(layer())
                .service(service_fn(async |request: http::Request<&str>| {
                    assert_eq!(request.body(), &"calm", "hunter2");
                    Ok::<_, Infallible>(Response::new(axum::body::Body::empty()))
                }));
        let mut panicked = service.oneshot(http::Request::new("panic")).await.unwrap();
        let error = GatewayError::take(&mut panicked).unwrap();
        assert_eq!(error.problem().code(), "COMMON007");
        let calm = service.oneshot(http::Request::new("calm")).await.unwrap();
        assert_eq!(calm.status().as_u16(), 200);
    }
}
