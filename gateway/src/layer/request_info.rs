//! Attaches [`RequestInfo`] to a request and writes `X-Correlation-Id` and `RateLimit` to its response. An own layer: tower-http's
//! `SetRequestIdLayer` keeps any id of the client, also one that is not safe in logs.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, OnceLock};

use axum::extract::Request;
use carshare_chassis::http_server::Connection;
use carshare_chassis::request_context::{self, CORRELATION_ID};
use carshare_chassis::{Ids, Lang};
use futures::TryFutureExt as _;
use http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE};
use http::{Extensions, HeaderValue, Method};
use ipnet::IpNet;

use super::{Inner, Result};
use crate::rate_limit::{RateLimitStatus, client_ip};

/// The facts of a request that its response, its log line and its errors need, in its extensions as an `Arc`.
#[derive(Debug)]
pub struct RequestInfo {
    pub protocol: Protocol,
    /// Language of error texts.
    pub lang: Lang,
    /// Id of the request across services, logs and events.
    pub correlation_id: String,
    /// Path of the URL. The query is left out: it may hold personal data.
    pub path: String,
    pub client_ip: IpAddr,
    /// The client sent the request by HTTPS, to this process or to a proxy.
    pub is_https: bool,
    /// The tightest rate limit of the caller, set when the call was counted.
    pub rate_limit: OnceLock<RateLimitStatus>,
}

#[derive(Clone, Debug)]
pub struct RequestInfoConfig {
    /// Source of correlation ids for requests without one.
    pub ids: Ids,
    /// Networks of the proxies in front of this port.
    pub trusted_proxies: Vec<IpNet>,
    /// A proxy terminates HTTPS in front of the plain port.
    pub behind_https_proxy: bool,
}

/// The protocol in which a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Protocol {
    Rest,
    /// gRPC, or gRPC-web, which is translated to it.
    Grpc,
    /// Connect, which is translated to gRPC: errors are statuses until then.
    Connect,
}

pub fn attach<S: Inner>(
    config: &RequestInfoConfig,
    inner: &mut S,
    mut request: Request,
) -> impl Future<Output = Result> + use<S> {
    let info = Arc::new(RequestInfo::read(&request, config));
    request.extensions_mut().insert(Arc::clone(&info));
    inner.call(request).map_ok(move |mut response| {
        if let Ok(id) = HeaderValue::from_str(&info.correlation_id) {
            response.headers_mut().insert(CORRELATION_ID, id);
        }
        if let Some(status) = info.rate_limit.get() {
            status.write(response.headers_mut());
        }
        response
    })
}

impl RequestInfo {
    /// Returns what [`attach`] attached.
    pub fn of(extensions: &Extensions) -> Arc<Self> {
        extensions.get().cloned().unwrap_or_default()
    }

    fn read(request: &Request, config: &RequestInfoConfig) -> Self {
        let headers = request.headers();
        // Requests of unit tests have no connection.
        let connection = request.extensions().get::<Connection>();
        let remote = connection.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |connection| {
            connection.remote.ip()
        });
        let is_tls = connection.is_some_and(|connection| connection.is_tls);
        let language = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Self {
            protocol: Protocol::of(request),
            lang: language.map_or(Lang::default(), Lang::from_accept_language),
            correlation_id: request_context::correlation_id(headers, &config.ids),
            path: request.uri().path().to_owned(),
            client_ip: client_ip(remote, headers, &config.trusted_proxies),
            is_https: is_tls || config.behind_https_proxy,
            rate_limit: OnceLock::new(),
        }
    }
}

impl Default for RequestInfo {
    /// Returns the info of a REST request from an unknown address.
    fn default() -> Self {
        Self {
            protocol: Protocol::Rest,
            lang: Lang::default(),
            correlation_id: String::new(),
            path: String::new(),
            client_ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            is_https: false,
            rate_limit: OnceLock::new(),
        }
    }
}

impl Protocol {
    /// Every content type of gRPC and gRPC-web begins with `application/grpc`. Another POST to the path of an RPC is Connect.
    fn of(request: &Request) -> Self {
        let content_type = request
            .headers()
            .get(CONTENT_TYPE)
            .map_or(&b""[..], |value| value.as_bytes());
        let path = request.uri().path();
        if content_type.starts_with(b"application/grpc") {
            Self::Grpc
        } else if request.method() == Method::POST
            && (path.starts_with("/carshare.") || path.starts_with("/grpc."))
        {
            Self::Connect
        } else {
            Self::Rest
        }
    }

    /// Returns the label of metrics and logs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::Body;
    use axum::response::Response;
    use carshare_chassis::Environment;
    use carshare_chassis::layer::from_fn;
    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::*;

    impl RequestInfo {
        /// Returns the info of a REST request from an unknown address.
        pub fn for_test(lang: Lang, correlation_id: &str, path: &str) -> Self {
            Self {
                lang,
                correlation_id: correlation_id.to_owned(),
                path: path.to_owned(),
                ..Self::default()
            }
        }
    }

    fn config() -> RequestInfoConfig {
        RequestInfoConfig {
            ids: Environment::system().ids,
            trusted_proxies: Vec::new(),
            behind_https_proxy: false,
        }
    }

    fn request(headers: &[(&'static str, &str)]) -> Request {
        let request = Request::get("/v1/bookings?a=b");
        let request = headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value));
        request.body(Body::empty()).unwrap()
    }

    fn read(headers: &[(&'static str, &str)]) -> RequestInfo {
        RequestInfo::read(&request(headers), &config())
    }

    #[tokio::test(start_paused = true)]
    async fn attach_adds_the_info_and_returns_the_correlation_id() {
        let service = ServiceBuilder::new()
            .layer(from_fn(config(), attach))
            .service(service_fn(async |request: Request| {
                let info: &Arc<RequestInfo> = request.extensions().get().unwrap();
                Ok::<_, Infallible>(Response::new(Body::from(info.path.clone())))
            }));
        let response = service
            .oneshot(request(&[("x-correlation-id", "c-1")]))
            .await
            .unwrap();
        assert_eq!(response.headers()[CORRELATION_ID], "c-1");
        let body = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
        assert_eq!(body, "/v1/bookings");
    }

    #[test]
    fn protocol_follows_the_content_type() {
        for (content_type, protocol) in [
            ("application/grpc", Protocol::Grpc),
            ("application/grpc-web-text+proto", Protocol::Grpc),
            ("application/json", Protocol::Rest),
        ] {
            assert_eq!(read(&[("content-type", content_type)]).protocol, protocol);
        }
        assert_eq!(read(&[]).protocol, Protocol::Rest);
    }

    #[test]
    fn language_is_korean_unless_english_is_preferred() {
        assert_eq!(read(&[]).lang, Lang::Ko);
        assert_eq!(read(&[("accept-language", "en-US,en;q=0.9")]).lang, Lang::En);
    }

    #[test]
    fn other_post_to_the_path_of_an_rpc_is_connect() {
        let protocol = |method: Method, path: &str, content_type: &str| {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header(CONTENT_TYPE, content_type);
            Protocol::of(&request.body(Body::empty()).unwrap())
        };
        let rpc = "/carshare.booking.v1.BookingService/GetBooking";
        for (method, path, content_type, expected) in [
            (Method::POST, rpc, "application/json", Protocol::Connect),
            (Method::POST, rpc, "application/connect+proto", Protocol::Connect),
            (
                Method::POST,
                "/grpc.health.v1.Health/Check",
                "application/proto",
                Protocol::Connect,
            ),
            (Method::POST, rpc, "application/grpc", Protocol::Grpc),
            (Method::GET, rpc, "application/json", Protocol::Rest),
            (Method::POST, "/v1/bookings", "application/json", Protocol::Rest),
        ] {
            assert_eq!(
                protocol(method, path, content_type),
                expected,
                "{path} {content_type}"
            );
        }
    }
}
