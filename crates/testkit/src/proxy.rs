//! A TCP proxy that injects faults between a client and a server.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::sleep;

/// Treatment of the bytes that pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Passes each chunk on after this delay.
    Pass(Duration),
    /// Closes every connection and every new one at once.
    Cut,
    /// Accepts connections and passes nothing, like a network that loses every packet.
    Stall,
}

/// Proxy on a port of 127.0.0.1. Dropping it closes every connection and frees the port.
pub struct FaultProxy {
    address: SocketAddr,
    mode: Arc<watch::Sender<Mode>>,
    accepting: AbortHandle,
}

impl FaultProxy {
    /// Starts a proxy to `target`, for example `127.0.0.1:5432`.
    pub async fn start(target: impl Into<String>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("no port for the proxy")?;
        let address = listener.local_addr()?;
        let mode = Arc::new(watch::Sender::new(Mode::Pass(Duration::ZERO)));
        let accepting = spawn(accept(listener, target.into(), mode.subscribe()));
        Ok(Self {
            address,
            mode,
            accepting,
        })
    }

    /// Starts a proxy to the server that a `postgres://` or `redis://` URL names; returns it with the URL through it.
    pub async fn in_front_of(url: &str) -> Result<(Self, String)> {
        let (start, target, end) = split_authority(url).context("the URL has no host and port")?;
        let proxy = Self::start(target).await?;
        let through = format!("{start}{}{end}", proxy.address);
        Ok((proxy, through))
    }

    /// Returns the address to connect to instead of the target.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes every connection now, and every new one until [`Self::heal`].
    pub fn cut(&self) {
        self.mode.send_replace(Mode::Cut);
    }

    /// Keeps connections open and passes nothing until [`Self::heal`]; bytes in flight arrive then.
    pub fn stall(&self) {
        self.mode.send_replace(Mode::Stall);
    }

    /// Delays each chunk, in both directions.
    pub fn delay(&self, by: Duration) {
        self.mode.send_replace(Mode::Pass(by));
    }

    /// Passes everything without delay again.
    pub fn heal(&self) {
        self.mode.send_replace(Mode::Pass(Duration::ZERO));
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, target: String, mode: watch::Receiver<Mode>) {
    loop {
        let Ok((inbound, _)) = listener.accept().await else {
            continue;
        };
        if *mode.borrow() == Mode::Cut {
            continue;
        }
        let (target, mut mode) = (target.clone(), mode.clone());
        spawn(async move {
            let cut = mode.clone();
            tokio::select! {
                _ = mode.wait_for(|mode| *mode == Mode::Cut) => {}
                _ = connect_and_pass(inbound, target, cut) => {}
            }
        });
    }
}

async fn connect_and_pass(
    inbound: TcpStream,
    target: String,
    mode: watch::Receiver<Mode>,
) -> std::io::Result<()> {
    let outbound = TcpStream::connect(target).await?;
    inbound.set_nodelay(true)?;
    outbound.set_nodelay(true)?;
    let (from_client, to_client) = inbound.into_split();
    let (from_server, to_server) = outbound.into_split();
    tokio::try_join!(
        pass(from_client, to_server, mode.clone()),
        pass(from_server, to_client, mode)
    )?;
    Ok(())
}

async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut mode: watch::Receiver<Mode>,
) -> std::io::Result<()> {
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut chunk).await?;
        let now = mode
            .wait_for(|mode| *mode != Mode::Stall)
            .await
            .map_or(Mode::Cut, |mode| *mode);
        let Mode::Pass(delay) = now else { return Ok(()) };
        if !delay.is_zero() {
            sleep(delay).await;
        }
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&chunk[..length]).await?;
    }
}

/// Splits `scheme://user@host:port/rest` into the parts before, of and after `host:port`.
pub(crate) fn split_authority(url: &str) -> Option<(&str, &str, &str)> {
    let after_scheme = url.find("://")? + 3;
    let end = url[after_scheme..]
        .find(['/', '?'])
        .map_or(url.len(), |at| after_scheme + at);
    let host = url[after_scheme..end]
        .rfind('@')
        .map_or(after_scheme, |at| after_scheme + at + 1);
    url[host..end]
        .contains(':')
        .then(|| (&url[..host], &url[host..end], &url[end..]))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the proxy belongs to no request: there is no span to keep"
)]
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
    tokio::spawn(future).abort_handle()
}

#[cfg(test)]
mod tests {
    use super::split_authority;

    #[test]
    fn split_authority_finds_host_and_port() {
        let url = "postgres://booking:pw@127.0.0.1:5433/carshare?x=1";
        assert_eq!(
            split_authority(url),
            Some(("postgres://booking:pw@", "127.0.0.1:5433", "/carshare?x=1"))
        );
        assert_eq!(
            split_authority("redis://localhost:1/7"),
            Some(("redis://", "localhost:1", "/7"))
        );
        assert_eq!(split_authority("redis://localhost/7"), None);
    }
}
