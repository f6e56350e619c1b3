//! Resolves the names of a peer to the addresses that its channel balances over, again and again. A headless service of Kubernetes
//! has one address per replica; without such a name the replicas are listed in the configuration.
//!
//! When the own certificate is replaced, so are the connections: the channel uses an old one until the new one is open, and calls that run on
//! the old one finish.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::future::join_all;
use http::Uri;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;
use tonic::transport::Endpoint;
use tonic::transport::channel::Change;

use crate::tls::Certificate;

/// Interval between two look-ups while calls succeed.
const INTERVAL: Duration = Duration::from_secs(5);
/// The same while an address is left out, so that a replica that has restarted gets calls before the next one is stopped.
const INCOMPLETE_INTERVAL: Duration = Duration::from_millis(500);
/// Shortest interval: a burst of failing calls causes one look-up.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(200);
/// An address that does not accept a connection within this time is left out while another one does.
const PROBE_TIMEOUT: Duration = Duration::from_millis(300);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// HTTP/2 keep-alive: idle connections are pinged, and closed when no reply comes.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);

pub struct Resolver {
    name: &'static str,
    /// The first URI: scheme and authority of every call, independent of its address.
    origin: Uri,
    scheme: String,
    hosts: Vec<(String, u16)>,
    /// The own certificate, and the name in that of the peer; `None` for plain text.
    tls: Option<(Certificate, String)>,
    listed: BTreeSet<SocketAddr>,
    /// The listed addresses have the certificate before the current one.
    is_outdated: bool,
}

impl Resolver {
    /// `uris` have one scheme.
    pub fn new(name: &'static str, uris: &[Uri], tls: Option<(Certificate, String)>) -> anyhow::Result<Self> {
        let origin = uris
            .first()
            .with_context(|| format!("{name} has no uri"))?
            .clone();
        let scheme = origin.scheme_str().unwrap_or("http").to_owned();
        let default_port = if scheme == "https" { 443 } else { 80 };
        let host_and_port = |uri: &Uri| {
            let host = uri
                .host()
                .with_context(|| format!("the uri of {name} has no host"))?;
            let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            anyhow::Ok((host, uri.port_u16().unwrap_or(default_port)))
        };
        Ok(Self {
            name,
            hosts: uris.iter().map(host_and_port).collect::<Result<_, _>>()?,
            origin,
            scheme,
            tls,
            listed: BTreeSet::new(),
            is_outdated: false,
        })
    }

    /// Updates the addresses of the channel until it is dropped. `resolve` causes a look-up at once, so that the next attempt of the
    /// call that failed goes to another address.
    pub async fn run(mut self, changes: Sender<Change<SocketAddr, Endpoint>>, resolve: Arc<Notify>) {
        loop {
            let begun = Instant::now();
            let resolved = self.look_up().await;
            let found = accepting(&resolved).await;
            let is_complete = found.len() == resolved.len();
            if self.apply(found, &changes).await.is_none() {
                return;
            }
            let interval = if self.listed.is_empty() {
                SHORTEST_INTERVAL
            } else if is_complete {
                INTERVAL
            } else {
                INCOMPLETE_INTERVAL
            };
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                () = resolve.notified() => tokio::time::sleep_until(begun + SHORTEST_INTERVAL).await,
                () = replaced(&mut self.tls) => self.is_outdated = true,
                () = changes.closed() => return,
            }
        }
    }

    /// Returns the addresses of all names.
    async fn look_up(&self) -> BTreeSet<SocketAddr> {
        let mut resolved = BTreeSet::new();
        for (host, port) in &self.hosts {
            match tokio::net::lookup_host((host.as_str(), *port)).await {
                Ok(addresses) => resolved.extend(addresses),
                Err(error) => {
                    tracing::warn!(peer = self.name, host, %error, "name does not resolve");
                }
            }
        }
        resolved
    }

    /// Sends the changes to the channel; no addresses change nothing. Returns `None` when the channel was dropped.
    async fn apply(
        &mut self,
        found: BTreeSet<SocketAddr>,
        changes: &Sender<Change<SocketAddr, Endpoint>>,
    ) -> Option<()> {
        if found.is_empty() {
            return Some(());
        }
        let (listed, is_outdated) = (self.listed.clone(), std::mem::take(&mut self.is_outdated));
        for address in found.iter().filter(|one| is_outdated || !listed.contains(one)) {
            changes
                .send(Change::Insert(*address, self.endpoint(*address)?))
                .await
                .ok()?;
        }
        for address in listed.difference(&found) {
            changes.send(Change::Remove(*address)).await.ok()?;
        }
        self.listed = found;
        Some(())
    }

    /// Returns the endpoint of one address, with TLS name and authority of the peer.
    fn endpoint(&self, address: SocketAddr) -> Option<Endpoint> {
        let endpoint = Endpoint::from_shared(format!("{}://{address}", self.scheme)).ok()?;
        let endpoint = endpoint
            .origin(self.origin.clone())
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true);
        match &self.tls {
            Some((certificate, name)) => endpoint.tls_config(certificate.client(name)).ok(),
            None => Some(endpoint),
        }
    }
}

/// Waits until the certificate is replaced.
async fn replaced(tls: &mut Option<(Certificate, String)>) {
    match tls {
        Some((certificate, _)) => certificate.changed().await,
        None => std::future::pending().await,
    }
}

/// Returns the addresses that accept a connection; all of them when none does, so that calls fail at once instead of waiting.
async fn accepting(resolved: &BTreeSet<SocketAddr>) -> BTreeSet<SocketAddr> {
    if resolved.len() < 2 {
        return resolved.clone();
    }
    let probed = join_all(resolved.iter().map(|address| async move {
        let accepts = tokio::time::timeout(PROBE_TIMEOUT, TcpStream::connect(address)).await;
        matches!(accepts, Ok(Ok(_))).then_some(*address)
    }));
    let accepting: BTreeSet<_> = probed.await.into_iter().flatten().collect();
    if accepting.is_empty() {
        resolved.clone()
    } else {
        accepting
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;

    use super::*;

    fn set<const N: usize>(ports: [u16; N]) -> BTreeSet<SocketAddr> {
        ports
            .into_iter()
            .map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
            .collect()
    }

    fn received(changes: &mut mpsc::Receiver<Change<SocketAddr, Endpoint>>) -> Vec<String> {
        std::iter::from_fn(|| changes.try_recv().ok())
            .map(|change| match change {
                Change::Insert(address, endpoint) => format!("+{} {}", address.port(), endpoint.uri()),
                Change::Remove(address) => format!("-{}", address.port()),
            })
            .collect()
    }

    #[tokio::test]
    async fn changes_are_sent_and_the_last_addresses_are_kept() {
        let uri = Uri::from_static("http://vehicle:50051");
        let mut resolver = Resolver::new("vehicle", &[uri], None).unwrap();
        let (sender, mut changes) = mpsc::channel(8);
        resolver.apply(set([1, 2]), &sender).await.unwrap();
        assert_eq!(
            received(&mut changes),
            ["+1 http://127.0.0.1:1/", "+2 http://127.0.0.1:2/"]
        );
        resolver.apply(set([]), &sender).await.unwrap();
        assert!(received(&mut changes).is_empty());
        resolver.apply(set([2, 3]), &sender).await.unwrap();
        assert_eq!(received(&mut changes), ["+3 http://127.0.0.1:3/", "-1"]);
        drop(changes);
        assert!(resolver.apply(set([4]), &sender).await.is_none());
    }

    #[tokio::test]
    async fn all_listed_uris_are_resolved() {
        let (one, two) = (
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
        );
        let ports = [&one, &two].map(|listener| listener.local_addr().unwrap().port());
        let uris = ports.map(|port| format!("http://127.0.0.1:{port}").parse().unwrap());
        let resolver = Resolver::new("vehicle", &uris, None).unwrap();
        assert_eq!(resolver.look_up().await, set(ports));
        assert!(Resolver::new("vehicle", &[], None).is_err());
    }

    #[tokio::test]
    async fn unreachable_address_is_left_out_while_another_one_accepts() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let accepting_port = listener.local_addr().unwrap().port();
        assert_eq!(accepting(&set([accepting_port, 1])).await, set([accepting_port]));
        assert_eq!(accepting(&set([1, 2])).await, set([1, 2]));
        assert_eq!(accepting(&set([1])).await, set([1]));
    }
}
