//! Security headers, the part of Helmet that concerns an API, set where the handler has not set them.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue};
use tower_http::set_header::SetResponseHeaderLayer;

/// Two years, as the preload list of browsers requires.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

type SetHeader = SetResponseHeaderLayer<Option<HeaderValue>>;

/// Returns the layers that set the headers, Strict-Transport-Security only behind HTTPS.
pub fn layers(
    https: bool,
) -> (
    SetHeader,
    SetHeader,
    SetHeader,
    SetHeader,
    SetHeader,
    SetHeader,
    SetHeader,
) {
    let set = |name, value| SetHeader::if_not_present(name, Some(HeaderValue::from_static(value)));
    (
        set(X_CONTENT_TYPE_OPTIONS, "nosniff"),
        set(X_FRAME_OPTIONS, "DENY"),
        set(REFERRER_POLICY, "no-referrer"),
        set(
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        set(OPENER_POLICY, "same-origin"),
        set(CACHE_CONTROL, "no-store"),
        SetHeader::if_not_present(STRICT_TRANSPORT_SECURITY, https.then_some(HSTS)),
    )
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::{HeaderMap, Request, Response};
    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::*;

    async fn headers(https: bool) -> HeaderMap {
        let handler = service_fn(async |_: Request<()>| {
            let response = Response::builder().header(CACHE_CONTROL, "public");
            Ok::<_, Infallible>(response.body(()).unwrap())
        });
        let service = ServiceBuilder::new().layer(layers(https)).service(handler);
        let response = service.oneshot(Request::new(())).await.unwrap();
        response.into_parts().0.headers
    }

    #[tokio::test(start_paused = true)]
    async fn headers_are_set_unless_the_handler_set_them() {
        let headers = headers(false).await;
        assert_eq!(headers[X_FRAME_OPTIONS], "DENY");
        assert_eq!(
            headers.get_all(CACHE_CONTROL).iter().collect::<Vec<_>>(),
            ["public"]
        );
        assert_eq!(headers.len(), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn strict_transport_security_is_set_behind_https() {
        assert_eq!(headers(true).await[STRICT_TRANSPORT_SECURITY], HSTS);
    }
}
