//! The address that a call is counted for.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Returns the address of the connection or, if that is a trusted proxy, the last one in X-Forwarded-For that is none. Everything before it
/// comes from the client and is ignored, and so is the whole header of a caller who is no trusted proxy. An IPv6 address is reduced to its
/// /64, all of which one client has.
pub fn client_ip(connection: IpAddr, headers: &HeaderMap, trusted_proxies: &[IpNet]) -> IpAddr {
    let values = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .map(|value| value.to_str().unwrap_or_default());
    let mut hops = values.flat_map(|value| value.split(',')).rev().map(address);
    let is_trusted = |address: &IpAddr| trusted_proxies.iter().any(|network| network.contains(address));
    let mut client = connection.to_canonical();
    while is_trusted(&client)
        && let Some(Some(hop)) = hops.next()
    {
        client = hop;
    }
    match client {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(network_64(address)),
    }
}

/// Parses an entry: an address, and with some proxies its port, `1.2.3.4:5678` or `[2001:db8::1]:5678`.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bare = hop
        .strip_prefix('[')
        .and_then(|hop| hop.strip_suffix(']'))
        .unwrap_or(hop);
    let address = bare.parse().ok();
    let address = address.or_else(|| hop.parse().ok().map(|socket: SocketAddr| socket.ip()))?;
    Some(address.to_canonical())
}

fn network_64(address: Ipv6Addr) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn seen(connection: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(FORWARDED_FOR, value);
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        client_ip(connection.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_entries_of_trusted_proxies_count() {
        let inner = &["10.0.0.0/8"][..];
        for (connection, forwarded, trusted, expected) in [
            ("10.0.0.1", &["1.1.1.1"][..], &[][..], "10.0.0.1"),
            ("10.0.0.1", &["1.1.1.1"], inner, "1.1.1.1"),
            ("10.0.0.1", &["9.9.9.9, 1.1.1.1"], inner, "1.1.1.1"),
            ("10.0.0.1", &["9.9.9.9", "1.1.1.1, 10.0.0.2"], inner, "1.1.1.1"),
            // A client that calls around the proxy chooses no address.
            ("9.9.9.9", &["1.1.1.1"], inner, "9.9.9.9"),
            ("9.9.9.9", &["1.1.1.1, 10.0.0.2"], inner, "9.9.9.9"),
            ("10.0.0.1", &["1.1.1.1, nonsense"], inner, "10.0.0.1"),
            ("10.0.0.1", &[""], inner, "10.0.0.1"),
            ("10.0.0.1", &["6.6.6.6", "\u{e9}, 1.1.1.1"], inner, "10.0.0.1"),
            ("10.0.0.1", &[], inner, "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.3"], inner, "10.0.0.3"),
            ("fd00::1", &["1.1.1.1"], &["fd00::/8"], "1.1.1.1"),
        ] {
            assert_eq!(
                seen(connection, forwarded, trusted),
                expected,
                "{connection} {forwarded:?}"
            );
        }
    }

    #[test]
    fn entries_may_have_a_port() {
        for (entry, expected) in [
            ("1.1.1.1:443", "1.1.1.1"),
            ("[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1:2::"),
            ("[2001:db8:1:2::9]", "2001:db8:1:2::"),
            ("2001:db8:1:2::9", "2001:db8:1:2::"),
            ("::ffff:1.1.1.1", "1.1.1.1"),
            ("1.1.1.1:x", "10.0.0.1"),
        ] {
            assert_eq!(seen("10.0.0.1", &[entry], &["10.0.0.0/8"]), expected, "{entry}");
        }
    }

    #[test]
    fn ipv6_network_is_one_client_and_mapped_ipv4_is_ipv4() {
        assert_eq!(seen("2001:db8:1:2:3:4:5:6", &[], &[]), "2001:db8:1:2::");
        assert_eq!(seen("::ffff:1.2.3.4", &[], &[]), "1.2.3.4");
        assert_eq!(seen("::ffff:10.0.0.1", &["1.1.1.1"], &["10.0.0.0/8"]), "1.1.1.1");
    }
}
