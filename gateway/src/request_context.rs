//! What every part of the edge has to know about the request it answers: on which front it came, in which language the
//! answer is read, and under which id it is found in the logs.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, OnceLock};

use carshare_chassis::http_server::Connection;
use carshare_chassis::{Ids, Lang};
use http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE};
use http::{HeaderMap, Request};

use crate::rate_limit::{RateLimitStatus, client_address};

/// The header a client may send to name its request, and which every answer carries.
pub const CORRELATION_ID: &str = "x-correlation-id";
/// The same as other systems call it; read, never written.
const REQUEST_ID: &str = "x-request-id";

/// The address of a request that came over no connection, as in tests.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// One request of a client. Made once, kept in the request's extensions.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// How the answer has to look.
    pub front: Front,
    /// The language of its texts.
    pub lang: Lang,
    /// The id of the request across all services, logs and events.
    pub correlation_id: String,
    /// The path that was asked for, without the query: that may hold what does not belong in an answer.
    pub path: String,
    /// Whose address it came from.
    pub address: IpAddr,
    /// How the tightest budget of the client stands, once it was looked at.
    pub standing: Arc<OnceLock<RateLimitStatus>>,
}

/// What an exchange needs to be opened.
#[derive(Clone, Debug)]
pub struct RequestContextConfig {
    /// Makes ids for requests that bring none.
    pub ids: Ids,
    /// Proxies of ours in front.
    pub proxies: usize,
}

/// The protocol of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    Rest,
    /// gRPC, or gRPC-web translated to it.
    Grpc,
}

impl Exchange {
    /// Reads what the head of the request says.
    pub fn open<B>(request: &Request<B>, opening: &RequestContextConfig) -> Self {
        let headers = request.headers();
        let remote = request
            .extensions()
            .get::<Connection>()
            .map(|connection| connection.remote.ip());
        let id = [CORRELATION_ID, REQUEST_ID]
            .iter()
            .find_map(|name| correlation_id(headers, name));
        let language = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Self {
            front: Front::of(headers),
            lang: language.map_or(Lang::default(), Lang::from_accept_language),
            correlation_id: id.unwrap_or_else(|| opening.ids.next().to_string()),
            path: request.uri().path().to_owned(),
            address: client_address(remote.unwrap_or(NOWHERE), headers, opening.proxies),
            standing: Arc::default(),
        }
    }
}

#[cfg(test)]
impl Exchange {
    /// One that came over REST.
    pub fn for_test(lang: Lang, correlation_id: &str, path: &str) -> Self {
        let (correlation_id, path) = (correlation_id.to_owned(), path.to_owned());
        Self {
            front: Front::Rest,
            lang,
            correlation_id,
            path,
            address: NOWHERE,
            standing: Arc::default(),
        }
    }
}

impl Front {
    /// gRPC in all its forms names itself in the content type.
    fn of(headers: &HeaderMap) -> Self {
        let content_type = headers
            .get(CONTENT_TYPE)
            .map_or(&b""[..], |value| value.as_bytes());
        if content_type.starts_with(b"application/grpc") {
            Self::Grpc
        } else {
            Self::Rest
        }
    }

    /// The label of metrics and logs.
    pub fn label(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Grpc => "grpc",
        }
    }
}

/// An id goes into logs, headers and events, so only harmless ones are taken over.
fn correlation_id(headers: &HeaderMap, name: &str) -> Option<String> {
    let id = headers.get(name)?.to_str().ok()?;
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    ((1..=128).contains(&id.len()) && id.bytes().all(harmless)).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use carshare_chassis::Environment;

    use super::*;

    fn open(headers: &[(&'static str, &str)]) -> Exchange {
        let request = headers
            .iter()
            .fold(Request::get("/v1/bookings?a=b"), |request, (name, value)| {
                request.header(*name, *value)
            });
        let opening = RequestContextConfig {
            ids: Environment::system().ids,
            proxies: 0,
        };
        Exchange::open(&request.body(()).unwrap(), &opening)
    }

    #[test]
    fn a_harmless_id_is_kept_and_another_is_replaced() {
        assert_eq!(
            open(&[("x-correlation-id", "app-1.7:a_b")]).correlation_id,
            "app-1.7:a_b"
        );
        assert_eq!(open(&[("x-request-id", "r1")]).correlation_id, "r1");
        assert_eq!(
            open(&[("x-request-id", "r1"), ("x-correlation-id", "c1")]).correlation_id,
            "c1"
        );
        let long = "x".repeat(129);
        for id in ["", "a b", "a\"b", long.as_str()] {
            let made = open(&[("x-correlation-id", id)]).correlation_id;
            assert_eq!(made.len(), 36, "{id:?}");
        }
    }

    #[test]
    fn the_front_is_told_by_the_content_type() {
        for (content_type, front) in [
            ("application/grpc", Front::Grpc),
            ("application/grpc-web-text+proto", Front::Grpc),
            ("application/json", Front::Rest),
        ] {
            assert_eq!(open(&[("content-type", content_type)]).front, front);
        }
        assert_eq!(open(&[]).front, Front::Rest);
    }

    #[test]
    fn the_query_is_not_kept() {
        assert_eq!(open(&[]).path, "/v1/bookings");
    }

    #[test]
    fn korean_is_the_language_unless_english_is_asked_for() {
        assert_eq!(open(&[]).lang, Lang::Ko);
        assert_eq!(open(&[("accept-language", "en-US,en;q=0.9")]).lang, Lang::En);
    }
}
