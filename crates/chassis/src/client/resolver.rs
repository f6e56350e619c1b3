//! The addresses behind a name, followed as they change: a headless service of Kubernetes names one per replica.

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
    uri: Uri,
    scheme: String,
    host: String,
    port: u16,
    tls: Option<ClientTlsConfig>,
    listed: BTreeSet<SocketAddr>,
}

impl Addresses {
    pub(super) fn new(name: &'static str, uri: Uri, tls: Option<ClientTlsConfig>) -> anyhow::Result<Self> {
        let scheme = uri.scheme_str().unwrap_or("http").to_owned();
        let host = uri
            .host()
            .with_context(|| format!("the uri of {name} has no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
        Ok(Self {
            name,
            uri,
            scheme,
            host,
            port,
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

    /// The addresses to list; none when the name does not resolve.
    async fn look(&self) -> BTreeSet<SocketAddr> {
        let resolved: BTreeSet<_> = match tokio::net::lookup_host((self.host.as_str(), self.port)).await {
            Ok(addresses) => addresses.collect(),
            Err(error) => {
                tracing::warn!(peer = self.name, host = self.host, %error, "the name does not resolve");
                return BTreeSet::new();
            }
        };
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
            .origin(self.uri.clone())
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
        let mut addresses = Addresses::new("vehicle", uri, None).unwrap();
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
    async fn a_dead_address_is_not_listed_while_another_one_lives() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let live = listener.local_addr().unwrap().port();
        assert_eq!(accepting(set([live, 1])).await, set([live]));
        assert_eq!(accepting(set([1, 2])).await, set([1, 2]));
        assert_eq!(accepting(set([1])).await, set([1]));
    }
}
