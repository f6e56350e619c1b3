//! Allow-list of the headers that are forwarded, so that no client can claim to be
//! somebody (`x-carshare-peer`, `x-user-id` …), and nothing hop-by-hop travels on.
//!
//! The trace, the correlation id and the deadline are not among them: the channel to the peer writes those itself.

use http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, TE, USER_AGENT};
use http::{HeaderMap, HeaderName};
use tonic::metadata::MetadataMap;

/// The client's promise that two calls are one.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static(carshare_chassis::rpc::IDEMPOTENCY_KEY);

/// From a client to a service, on every front.
const INWARD: [HeaderName; 4] = [AUTHORIZATION, ACCEPT_LANGUAGE, IDEMPOTENCY_KEY, USER_AGENT];

/// What the gRPC protocol itself needs, when bytes are passed through.
const GRPC: [HeaderName; 4] = [
    CONTENT_TYPE,
    TE,
    HeaderName::from_static("grpc-encoding"),
    HeaderName::from_static("grpc-accept-encoding"),
];

/// Of one connection only (RFC 9110 §7.6.1).
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Of the headers of a REST request those that are metadata of its call.
pub fn to_metadata(headers: &HeaderMap) -> MetadataMap {
    MetadataMap::from_headers(only(headers, &INWARD))
}

/// Of the headers of a gRPC request those that the service sees.
pub fn to_peer(headers: &HeaderMap) -> HeaderMap {
    let mut kept = only(headers, &INWARD);
    kept.extend(only(headers, &GRPC));
    kept
}

/// Takes from a service's answer what concerns the connection to it alone.
pub fn from_peer(headers: &mut HeaderMap) {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// The first value of each: a header that is sent twice is a trick.
fn only(headers: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    names
        .iter()
        .filter_map(|name| Some((name.clone(), headers.get(name)?.clone())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(names: &[&'static str]) -> HeaderMap {
        names
            .iter()
            .map(|name| (HeaderName::from_static(name), "v".parse().unwrap()))
            .collect()
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    const ASKED: [&str; 10] = [
        "authorization",
        "connection",
        "content-type",
        "cookie",
        "grpc-encoding",
        "grpc-timeout",
        "host",
        "idempotency-key",
        "x-carshare-peer",
        "x-user-id",
    ];

    #[test]
    fn only_what_is_listed_goes_in() {
        let asked = headers(&ASKED);
        let peer = to_peer(&asked);
        assert_eq!(
            names(&peer),
            [
                "authorization",
                "content-type",
                "grpc-encoding",
                "idempotency-key"
            ]
        );
        assert_eq!(
            names(&to_metadata(&asked).into_headers()),
            ["authorization", "idempotency-key"]
        );
    }

    #[test]
    fn a_header_sent_twice_counts_once() {
        let mut twice = headers(&["authorization"]);
        twice.append(AUTHORIZATION, "second".parse().unwrap());
        assert_eq!(to_peer(&twice).get_all(AUTHORIZATION).iter().count(), 1);
    }

    #[test]
    fn connection_headers_stay_behind() {
        let mut answer = headers(&[
            "connection",
            "te",
            "transfer-encoding",
            "content-type",
            "x-anything",
        ]);
        from_peer(&mut answer);
        assert_eq!(names(&answer), ["content-type", "x-anything"]);
    }
}
