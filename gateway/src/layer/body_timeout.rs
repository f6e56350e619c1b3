//! Ends a request if its body does not arrive whole within `edge.body_timeout_ms` of the first wait for it, or before its place is needed
//! (see [`crate::in_flight`]), so that unfinished bodies hold no places. An own layer: tower-http's body timeout starts again with each byte, and its error becomes an internal one below.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::IntoResponse as _;
use bytes::Bytes;
use carshare_chassis::Error;
use carshare_proto::common::v1::ErrorReason as Common;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Either};
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::route::Target;
use super::{Inner, Result};
use crate::error::GatewayError;
use crate::grpc::BuiltinServices;
use crate::in_flight::Arrival;
use crate::state::AppState;

pub fn enforce<S>(
    state: &Arc<AppState>,
    inner: &mut S,
    request: Request,
) -> Either<S::Future, BoxFuture<'static, Result>>
where
    S: Inner<Future: Send + 'static>,
{
    if request.body().is_end_stream() || !is_sent_at_once(&request) {
        return Either::Left(inner.call(request));
    }
    let edge = &state.config.service.edge;
    let timeout = if takes_file(&request) {
        edge.form_timeout
    } else {
        edge.body_timeout
    };
    let (arrival, mut ended) = Arrival::new();
    let mut request = request.map(|body| {
        Body::new(Timed {
            body,
            timeout,
            deadline: None,
            arrival: arrival.clone(),
        })
    });
    request.extensions_mut().insert(arrival);
    let running = inner.call(request);
    // Boxed, which only requests with a body pay for, so that the type does not name the layers below twice.
    let answered = async move {
        tokio::select! {
            biased;
            response = running => response,
            Ok(()) = &mut ended => Ok(GatewayError::from(Error::new(Common::RequestTimeout)).into_response()),
        }
    };
    Either::Right(answered.boxed())
}

/// Returns whether the body is one message: of all calls but streams of the client, of which reflection is one.
fn is_sent_at_once(request: &Request) -> bool {
    match request.extensions().get() {
        Some(Target::Builtin) => BuiltinServices::takes_one_message(request.uri().path()),
        Some(target) => target.rpc().is_some_and(|rpc| !rpc.method.streaming().client),
        None => false,
    }
}

/// Returns whether the request may have a file, which slow connections need longer for.
fn takes_file(request: &Request) -> bool {
    let target: Option<&Target> = request.extensions().get();
    let rpc = target.and_then(Target::rpc);
    rpc.is_some_and(|rpc| rpc.rest.multipart)
}

/// A body with a deadline for its arrival.
struct Timed {
    body: Body,
    timeout: Duration,
    /// Set when a reader first had to wait.
    deadline: Option<Pin<Box<Sleep>>>,
    arrival: Arrival,
}

impl http_body::Body for Timed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, axum::Error>>> {
        let Timed {
            body,
            timeout,
            deadline,
            arrival,
        } = &mut *self;
        let polled = Pin::new(&mut *body).poll_frame(context);
        if polled.is_pending() && arrival.is_pending() {
            let deadline = deadline.get_or_insert_with(|| Box::pin(sleep(*timeout)));
            ready!(deadline.as_mut().poll(context));
            // The call is dropped by this, and the body with it.
            arrival.end();
        } else if matches!(polled, Poll::Ready(None)) || body.is_end_stream() {
            arrival.finish();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use carshare_chassis::layer::from_fn;
    use futures::StreamExt as _;
    use http_body_util::BodyExt as _;
    use tokio::time::Instant;
    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::*;

    const UNARY: &str = "/carshare.booking.v1.BookingService/GetBooking";

    /// Returns the seconds until a service that reads the body and then works for a minute has answered, and the code of the error.
    async fn answered(body: Body) -> (u64, Option<String>) {
        let state = Arc::new(AppState::for_test());
        let service = ServiceBuilder::new()
            .layer(from_fn(Arc::clone(&state), enforce))
            .service(service_fn(async |request: Request| {
                let _ = request.into_body().collect().await;
                sleep(Duration::from_mins(1)).await;
                Ok(axum::response::Response::new(Body::empty()))
            }));
        let mut request = Request::new(body);
        let rpc = state.methods.find(UNARY).unwrap();
        request.extensions_mut().insert(Target::Grpc(Arc::clone(rpc)));
        let started = Instant::now();
        let mut response = service.oneshot(request).await.unwrap();
        let error = GatewayError::take(&mut response);
        (
            started.elapsed().as_secs(),
            error.map(|error| error.problem().code().to_owned()),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn body_that_is_not_sent_whole_in_time_is_a_request_timeout() {
        let drip = futures::stream::repeat_with(|| Ok::<_, axum::Error>("{")).then(async |byte| {
            sleep(Duration::from_secs(1)).await;
            byte
        });
        let silent = futures::stream::pending::<std::result::Result<Bytes, axum::Error>>();
        for body in [Body::from_stream(drip), Body::from_stream(silent)] {
            assert_eq!(answered(body).await, (5, Some("COMMON014".to_owned())));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn request_whose_arrival_is_ended_is_a_request_timeout() {
        let state = Arc::new(AppState::for_test());
        let service = ServiceBuilder::new()
            .layer(from_fn(Arc::clone(&state), enforce))
            .service(service_fn(async |request: Request| {
                assert!(request.extensions().get::<Arrival>().unwrap().end());
                std::future::pending().await
            }));
        let mut request = Request::new(Body::from_stream(futures::stream::pending::<
            std::result::Result<Bytes, axum::Error>,
        >()));
        let rpc = state.methods.find(UNARY).unwrap();
        request.extensions_mut().insert(Target::Grpc(Arc::clone(rpc)));
        let error = GatewayError::take(&mut service.oneshot(request).await.unwrap());
        assert_eq!(error.unwrap().problem().code(), "COMMON014");
    }

    #[tokio::test(start_paused = true)]
    async fn call_may_take_longer_than_its_body() {
        let late = futures::stream::once(async {
            sleep(Duration::from_secs(4)).await;
            Ok::<_, axum::Error>("{}")
        });
        for (body, seconds) in [
            (Body::empty(), 60),
            (Body::from("{}"), 60),
            (Body::from_stream(late), 64),
        ] {
            assert_eq!(answered(body).await, (seconds, None));
        }
    }
}
