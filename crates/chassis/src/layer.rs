//! Builds a tower layer from a function. tower has no such adapter, and axum's clones the inner service and boxes its future in
//! every layer.

use std::task::{Context, Poll};

use tower::{Layer, Service};

/// A layer whose service calls `function(&state, &mut inner, request)`. The function calls the inner service before it returns its
/// future; one that has to wait first takes the service with [`take`].
#[derive(Clone)]
pub struct FromFnLayer<T, F> {
    state: T,
    function: F,
}

/// The service of a [`FromFnLayer`].
#[derive(Clone)]
pub struct FromFn<T, F, S> {
    state: T,
    function: F,
    inner: S,
}

pub fn from_fn<T, F>(state: T, function: F) -> FromFnLayer<T, F> {
    FromFnLayer { state, function }
}

/// Takes the service that is ready and leaves a clone for the next call.
pub fn take<S: Clone>(inner: &mut S) -> S {
    let clone = inner.clone();
    std::mem::replace(inner, clone)
}

impl<T: Clone, F: Clone, S> Layer<S> for FromFnLayer<T, F> {
    type Service = FromFn<T, F, S>;

    fn layer(&self, inner: S) -> Self::Service {
        FromFn {
            state: self.state.clone(),
            function: self.function.clone(),
            inner,
        }
    }
}

impl<T, F, S, Request, Future> Service<Request> for FromFn<T, F, S>
where
    S: Service<Request>,
    F: Fn(&T, &mut S, Request) -> Future,
    Future: std::future::Future<Output = Result<S::Response, S::Error>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Future {
        (self.function)(&self.state, &mut self.inner, request)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::*;

    fn add<S: Service<u32>>(state: &u32, inner: &mut S, request: u32) -> S::Future {
        inner.call(request + state)
    }

    #[tokio::test]
    async fn function_gets_state_inner_service_and_request() {
        let service = ServiceBuilder::new()
            .layer(from_fn(1, add))
            .layer(from_fn(20, add))
            .concurrency_limit(1)
            .service(service_fn(async |request: u32| Ok::<_, Infallible>(request * 2)));
        // Readiness is forwarded: tower's limit panics when it is called without.
        assert_eq!(service.oneshot(300).await, Ok(642));
    }
}
