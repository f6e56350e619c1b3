//! The client of a call: its address and user agent, as the gateway saw them.

use std::fmt;
use std::net::IpAddr;

use tonic::metadata::MetadataMap;

/// Metadata key in which the gateway passes on the address of its client. The server removes it from the calls of other peers.
pub const CLIENT_ADDRESS: &str = "x-carshare-client-address";

/// Upper bound of a user agent in characters; the rest is cut off.
const MAX_USER_AGENT: usize = 256;

/// Facts about the client of the gateway, for security records. Both are empty in a call that did not come through the gateway.
/// `Debug` prints neither, because they are personal data.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ClientInfo {
    /// Address of the client; of an IPv6 address the first 64 bits.
    pub address: Option<IpAddr>,
    /// Visible ASCII characters and spaces.
    pub user_agent: Option<String>,
}

impl ClientInfo {
    /// Reads the metadata of a call; the user agent counts only with an address.
    pub(super) fn read(metadata: &MetadataMap) -> Self {
        let text = |key| metadata.get(key).and_then(|value| value.to_str().ok());
        let address: Option<IpAddr> = text(CLIENT_ADDRESS).and_then(|address| address.parse().ok());
        let user_agent = text("user-agent").filter(|_| address.is_some());
        Self {
            address,
            user_agent: user_agent.map(of_client).filter(|agent| !agent.is_empty()),
        }
    }
}

/// Returns the user agent without that of the gateway's channel, which is appended.
fn of_client(user_agent: &str) -> String {
    let client = match user_agent.rsplit_once("tonic/") {
        Some((client, version)) if !version.contains(' ') => client.trim_end(),
        _ => user_agent,
    };
    client.chars().take(MAX_USER_AGENT).collect()
}

impl fmt::Debug for ClientInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientInfo(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(entries: &[(&'static str, &str)]) -> ClientInfo {
        let mut metadata = MetadataMap::new();
        for (key, value) in entries {
            metadata.insert(*key, value.parse().unwrap());
        }
        ClientInfo::read(&metadata)
    }

    #[test]
    fn address_and_agent_are_read_without_the_agent_of_the_channel() {
        let client = read(&[
            (CLIENT_ADDRESS, "2001:db8:1:2::"),
            ("user-agent", "Mozilla/5.0 (iPhone) tonic/0.14.2"),
        ]);
        assert_eq!(client.address, Some("2001:db8:1:2::".parse().unwrap()));
        assert_eq!(client.user_agent.as_deref(), Some("Mozilla/5.0 (iPhone)"));
        assert_eq!(format!("{client:?}"), "ClientInfo(***)");
    }

    #[test]
    fn invalid_values_are_ignored_and_long_ones_cut() {
        assert_eq!(read(&[("user-agent", "curl/8")]), ClientInfo::default());
        assert_eq!(
            read(&[(CLIENT_ADDRESS, "nonsense"), ("user-agent", "curl/8")]),
            ClientInfo::default()
        );
        let only_channel = read(&[(CLIENT_ADDRESS, "1.2.3.4"), ("user-agent", "tonic/0.14.2")]);
        assert_eq!(only_channel.user_agent, None);
        let long = read(&[(CLIENT_ADDRESS, "1.2.3.4"), ("user-agent", &"a".repeat(300))]);
        assert_eq!(long.user_agent.unwrap().len(), MAX_USER_AGENT);
    }
}
