//! The addresses behind the names of a peer, followed as they change: a headless service of Kubernetes names one per replica,
//! and where there is no such name the replicas are listed.

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
use tonic::transport::channel::Change;
use tonic::transport::{ClientTlsConfig, Endpoint};

/// Pause between two looks when all is well.
const INTERVAL: Duration = Duration::from_secs(5);
/// Shortest pause: a burst of failing calls asks for one look, not for many.
const SHORTEST: Duration = Duration::from_millis(200);
/// An address that does not accept within this is not listed, as long as another one does.
const PROBE: Duration = Duration::from_millis(300);

/// A connection attempt that takes longer has failed.
const CONNECT: Duration = Duration::from_secs(1);
/// HTTP/2 keep-alive: idle connections are pinged, and closed without an answer.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// The search for the addresses of one peer.
pub(super) struct Addresses {
    name: &'static str,
    /// The first URI: scheme and authority of every call, whatever its address.
    origin: Uri,
    scheme: String,
    hosts: Vec<(String, u16)>,
    tls: Option<ClientTlsConfig>,
    listed: BTreeSet<SocketAddr>,
}

impl Addresses {
    /// `uris` have one scheme.
    pub(super) fn new(
        name: &'static str,
        uris: &[Uri],
        tls: Option<ClientTlsConfig>,
    ) -> anyhow::Result<Self> {
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
        })
    }

    /// Keeps the balancer's list current until the channel is dropped.
    pub(super) async fn follow(
        mut self,
        changes: Sender<Change<SocketAddr, Endpoint>>,
        trouble: Arc<Notify>,
    ) {
        loop {
            let found = self.look().await;
            if self.apply(found, &changes).await.is_none() {
                return;
            }
            let pause = if self.listed.is_empty() {
                SHORTEST
            } else {
                INTERVAL
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = trouble.notified() => tokio::time::sleep(SHORTEST).await,
                () = changes.closed() => return,
            }
        }
    }

    /// The addresses to list; none when no name resolves.
    async fn look(&self) -> BTreeSet<SocketAddr> {
        let mut resolved = BTreeSet::new();
        for (host, port) in &self.hosts {
            match tokio::net::lookup_host((host.as_str(), *port)).await {
                Ok(addresses) => resolved.extend(addresses),
                Err(error) => {
                    tracing::warn!(peer = self.name, host, %error, "the name does not resolve");
                }
            }
        }
        accepting(resolved).await
    }

    /// Sends the changes to the balancer. An empty answer changes nothing. `None` when the channel is gone.
    async fn apply(
        &mut self,
        found: BTreeSet<SocketAddr>,
        changes: &Sender<Change<SocketAddr, Endpoint>>,
    ) -> Option<()> {
        if found.is_empty() {
            return Some(());
        }
        for address in found.difference(&self.listed) {
            changes
                .send(Change::Insert(*address, self.at(*address)?))
                .await
                .ok()?;
        }
        for address in self.listed.difference(&found) {
            changes.send(Change::Remove(*address)).await.ok()?;
        }
        self.listed = found;
        Some(())
    }

    /// The endpoint for one address; its TLS name and authority stay those of the peer.
    fn at(&self, address: SocketAddr) -> Option<Endpoint> {
        let endpoint = Endpoint::from_shared(format!("{}://{address}", self.scheme)).ok()?;
        let endpoint = endpoint
            .origin(self.origin.clone())
            .connect_timeout(CONNECT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true);
        match &self.tls {
            Some(tls) => endpoint.tls_config(tls.clone()).ok(),
            None => Some(endpoint),
        }
    }
}

/// Those that accept a connection; all, when none does, so that calls fail fast instead of waiting.
async fn accepting(resolved: BTreeSet<SocketAddr>) -> BTreeSet<SocketAddr> {
    if resolved.len() < 2 {
        return resolved;
    }
    let probed = join_all(resolved.iter().map(|address| async move {
        let accepts = tokio::time::timeout(PROBE, TcpStream::connect(address)).await;
        matches!(accepts, Ok(Ok(_))).then_some(*address)
    }));
    let accepting: BTreeSet<_> = probed.await.into_iter().flatten().collect();
    if accepting.is_empty() { resolved } else { accepting }
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
    async fn the_balancer_is_told_what_changed_and_never_to_forget_all() {
        let uri = Uri::from_static("http://vehicle:50051");
        let mut addresses = Addresses::new("vehicle", &[uri], None).unwrap();
        let (tell, mut changes) = mpsc::channel(8);
        addresses.apply(set([1, 2]), &tell).await.unwrap();
        assert_eq!(
            received(&mut changes),
            ["+1 http://127.0.0.1:1/", "+2 http://127.0.0.1:2/"]
        );
        addresses.apply(set([]), &tell).await.unwrap();
        assert!(received(&mut changes).is_empty());
        addresses.apply(set([2, 3]), &tell).await.unwrap();
        assert_eq!(received(&mut changes), ["+3 http://127.0.0.1:3/", "-1"]);
        drop(changes);
        assert!(addresses.apply(set([4]), &tell).await.is_none());
    }

    #[tokio::test]
    async fn all_listed_uris_are_resolved() {
        let (one, two) = (
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
        );
        let ports = [&one, &two].map(|listener| listener.local_addr().unwrap().port());
        let uris = ports.map(|port| format!("http://127.0.0.1:{port}").parse().unwrap());
        let addresses = Addresses::new("vehicle", &uris, None).unwrap();
        assert_eq!(addresses.look().await, set(ports));
        assert!(Addresses::new("vehicle", &[], None).is_err());
    }

    #[tokio::test]
    async fn a_dead_address_is_not_listed_while_another_one_lives() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let live = listener.local_addr().unwrap().port();
        assert_eq!(accepting(set([live, 1])).await, set([live]));
        assert_eq!(accepting(set([1, 2])).await, set([1, 2]));
        assert_eq!(accepting(set([1])).await, set([1]));
    }
}
