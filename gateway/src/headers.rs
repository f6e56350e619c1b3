//! Allow-list of the headers that are forwarded, so that no client can impersonate a service or a user (`x-carshare-peer`,
//! `x-user-id`) and no hop-by-hop header is passed on.
//!
//! Trace, correlation id and deadline are not on it: the channel to the service writes them. The address of the client is added, which
//! services believe from the gateway alone.

use std::net::IpAddr;

use carshare_chassis::rpc::CLIENT_ADDRESS;
use http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, TE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use tonic::metadata::MetadataMap;

pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static(carshare_chassis::rpc::IDEMPOTENCY_KEY);

/// Forwarded to a service over every protocol.
const FORWARDED: [HeaderName; 4] = [AUTHORIZATION, ACCEPT_LANGUAGE, IDEMPOTENCY_KEY, USER_AGENT];

/// Headers of the gRPC protocol, forwarded with raw bytes.
const GRPC: [HeaderName; 4] = [
    CONTENT_TYPE,
    TE,
    HeaderName::from_static("grpc-encoding"),
    HeaderName::from_static("grpc-accept-encoding"),
];

/// Headers of a single connection (RFC 9110 §7.6.1).
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

/// Returns the metadata of the call that a REST request becomes, with the headers that the contract names for the RPC.
pub fn to_metadata(headers: &HeaderMap, of_rpc: &[String], client: IpAddr) -> MetadataMap {
    let named: Vec<HeaderName> = of_rpc.iter().filter_map(|name| name.parse().ok()).collect();
    let mut kept = only(headers, &named);
    kept.extend(of_client(headers, client));
    MetadataMap::from_headers(kept)
}

/// Returns the forwarded headers of a gRPC request.
pub fn to_service(headers: &HeaderMap, client: IpAddr) -> HeaderMap {
    let mut kept = of_client(headers, client);
    kept.extend(only(headers, &GRPC));
    kept
}

fn of_client(headers: &HeaderMap, client: IpAddr) -> HeaderMap {
    let mut kept = only(headers, &FORWARDED);
    if let Ok(address) = HeaderValue::try_from(client.to_string()) {
        kept.insert(HeaderName::from_static(CLIENT_ADDRESS), address);
    }
    kept
}

/// Removes from a service's response the headers of the connection to it.
pub fn remove_hop_by_hop(headers: &mut HeaderMap) {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Returns the first value of each: layers must not differ on which value of a repeated header counts.
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

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    const REQUEST: [&str; 11] = [
        "authorization",
        "connection",
        "content-type",
        "cookie",
        "grpc-encoding",
        "grpc-timeout",
        "host",
        "idempotency-key",
        "x-carshare-client-address",
        "x-carshare-peer",
        "x-user-id",
    ];

    #[test]
    fn only_listed_headers_are_forwarded() {
        let request = headers(&REQUEST);
        let forwarded = to_service(&request, CLIENT);
        assert_eq!(
            names(&forwarded),
            [
                "authorization",
                "content-type",
                "grpc-encoding",
                "idempotency-key",
                "x-carshare-client-address"
            ]
        );
        assert_eq!(
            names(&to_metadata(&request, &[], CLIENT).into_headers()),
            ["authorization", "idempotency-key", "x-carshare-client-address"]
        );
        let named = to_metadata(&request, &["cookie".to_owned()], CLIENT).into_headers();
        assert_eq!(
            names(&named),
            [
                "authorization",
                "cookie",
                "idempotency-key",
                "x-carshare-client-address"
            ]
        );
        assert_eq!(forwarded[CLIENT_ADDRESS], "127.0.0.1");
    }

    #[test]
    fn first_value_of_a_repeated_header_is_forwarded() {
        let mut twice = headers(&["authorization"]);
        twice.append(AUTHORIZATION, "second".parse().unwrap());
        let values: Vec<_> = to_service(&twice, CLIENT)
            .get_all(AUTHORIZATION)
            .iter()
            .cloned()
            .collect();
        assert_eq!(values, ["v"]);
    }

    #[test]
    fn hop_by_hop_headers_are_removed() {
        let mut response = headers(&[
            "connection",
            "te",
            "transfer-encoding",
            "content-type",
            "x-anything",
        ]);
        remove_hop_by_hop(&mut response);
        assert_eq!(names(&response), ["content-type", "x-anything"]);
    }
}
