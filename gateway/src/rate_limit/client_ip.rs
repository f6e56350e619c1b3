//! The address that a call is counted for.

use std::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Returns the address of the connection, or that which the outermost of `proxies` trusted proxies saw. Entries further left in
/// the header come from the client and are ignored. An IPv6 address is reduced to its /64, all of which one client has.
pub fn client_ip(connection: IpAddr, headers: &HeaderMap, proxies: usize) -> IpAddr {
    let values = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
    let seen = proxies
        .checked_sub(1)
        .and_then(|distance| hops.iter().rev().nth(distance));
    let address = seen.and_then(|text| text.parse().ok()).unwrap_or(connection);
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(network_64(address)),
    }
}

fn network_64(address: Ipv6Addr) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(connection: &str, forwarded: &[&str], proxies: usize) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        client_ip(connection.parse().unwrap(), &headers, proxies).to_string()
    }

    #[test]
    fn only_entries_of_trusted_proxies_count() {
        for (forwarded, proxies, expected) in [
            (&["1.1.1.1"][..], 0, "10.0.0.1"),
            (&["1.1.1.1"], 1, "1.1.1.1"),
            (&["9.9.9.9, 1.1.1.1"], 1, "1.1.1.1"),
            (&["9.9.9.9", "1.1.1.1, 10.0.0.2"], 2, "1.1.1.1"),
            (&["1.1.1.1"], 2, "10.0.0.1"),
            (&["nonsense"], 1, "10.0.0.1"),
            (&[], 1, "10.0.0.1"),
        ] {
            assert_eq!(
                seen("10.0.0.1", forwarded, proxies),
                expected,
                "{forwarded:?} {proxies}"
            );
        }
    }

    #[test]
    fn ipv6_network_is_one_client_and_mapped_ipv4_is_ipv4() {
        assert_eq!(seen("2001:db8:1:2:3:4:5:6", &[], 0), "2001:db8:1:2::");
        assert_eq!(seen("::ffff:1.2.3.4", &[], 0), "1.2.3.4");
    }
}
