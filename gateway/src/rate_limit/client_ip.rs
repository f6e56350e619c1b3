//! Whose address a call counts for.

use std::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address of the client: that of the connection, or what the outermost of our own `proxies` saw. Everything a client
/// writes into the header itself stands further left and is not believed. Of an IPv6 address the network counts, for one
/// client has all of it.
pub fn client_address(connection: IpAddr, headers: &HeaderMap, proxies: usize) -> IpAddr {
    let values = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let told: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
    let seen = proxies
        .checked_sub(1)
        .and_then(|hops| told.iter().rev().nth(hops));
    let address = seen.and_then(|text| text.parse().ok()).unwrap_or(connection);
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(network(address)),
    }
}

/// The /64.
fn network(address: Ipv6Addr) -> Ipv6Addr {
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
        client_address(connection.parse().unwrap(), &headers, proxies).to_string()
    }

    #[test]
    fn only_what_our_own_proxies_saw_is_believed() {
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
    fn a_network_of_ipv6_is_one_client_and_mapped_ipv4_is_ipv4() {
        assert_eq!(seen("2001:db8:1:2:3:4:5:6", &[], 0), "2001:db8:1:2::");
        assert_eq!(seen("::ffff:1.2.3.4", &[], 0), "1.2.3.4");
    }
}
