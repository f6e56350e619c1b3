//! Answers HEAD as GET without the body; `Content-Length` is that of GET. An own layer: axum removes the body in its router only.

use axum::body::Body;
use axum::extract::Request;
use futures::TryFutureExt as _;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method};
use http_body::Body as _;

use super::{Inner, Result};

pub fn remove_body<S: Inner>(
    (): &(),
    inner: &mut S,
    request: Request,
) -> impl Future<Output = Result> + use<S> {
    let is_head = request.method() == Method::HEAD;
    inner.call(request).map_ok(move |response| {
        if !is_head {
            return response;
        }
        let length = response.body().size_hint().exact();
        let mut response = response.map(|_| Body::empty());
        if let Some(length) = length {
            response
                .headers_mut()
                .insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        response
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::response::Response;
    use carshare_chassis::layer::from_fn;
    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::*;

    async fn response(method: Method) -> Response {
        let service = ServiceBuilder::new()
            .layer(from_fn((), remove_body))
            .service(service_fn(async |_: Request| {
                Ok::<_, Infallible>(Response::new(Body::from("hello")))
            }));
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        service.oneshot(request).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn head_has_the_length_of_get_and_no_body() {
        let head = response(Method::HEAD).await;
        assert_eq!(head.headers()[CONTENT_LENGTH], "5");
        assert_eq!(head.body().size_hint().exact(), Some(0));
        assert_eq!(response(Method::GET).await.body().size_hint().exact(), Some(5));
    }
}
