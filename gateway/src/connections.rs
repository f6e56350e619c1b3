//! Bounds the open connections of each address, so that one client does not take all file descriptors.

use std::net::IpAddr;

use carshare_chassis::http_server::{Admission, Admitted};
use http::HeaderMap;

use crate::config::Limits;
use crate::in_flight::InFlight;
use crate::rate_limit::client_ip;

/// Returns the admission of connections. Those of trusted proxies, which carry the requests of many clients, are not counted; IPv6 addresses
/// are by /64.
pub fn admission(limits: &Limits) -> Admission {
    let open = InFlight::new(limits.connections_by_address);
    let proxies = limits.trusted_proxies.clone();
    Admission::new(move |remote: IpAddr| {
        if proxies
            .iter()
            .any(|network| network.contains(&remote.to_canonical()))
        {
            return Some(Box::new(()) as Admitted);
        }
        let place = open.take(client_ip(remote, &HeaderMap::new(), &[]), None);
        if place.is_none() {
            metrics::counter!("edge_limited_total", "budget" => "connections_by_address").increment(1);
        }
        place.map(|place| Box::new(place) as Admitted)
    })
}
