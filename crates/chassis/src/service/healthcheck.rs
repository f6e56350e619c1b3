//! `healthcheck`: one HTTP request to the admin port of the running process.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use http::Request;
use http::header::HOST;
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::config::Common;
use crate::task;

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);

/// Succeeds when `/readyz` responds with 200. Without an admin port the request goes to the only port.
pub async fn healthcheck(common: &Common) -> anyhow::Result<()> {
    let address = common.admin.listen.unwrap_or(common.server.listen);
    let status = tokio::time::timeout(RESPONSE_TIMEOUT, readyz(loopback(address)))
        .await
        .context("no response")??;
    ensure!(status.is_success(), "not ready: {status}");
    Ok(())
}

async fn readyz(address: SocketAddr) -> anyhow::Result<http::StatusCode> {
    let stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("cannot connect to {address}"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    task::spawn("healthcheck connection", connection);
    let request = Request::get("/readyz").header(HOST, address.to_string());
    Ok(sender
        .send_request(request.body(Empty::<bytes::Bytes>::new())?)
        .await?
        .status())
}

/// Returns the loopback address for an unspecified one.
fn loopback(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin;
    use crate::config::Admin;
    use crate::health::Readiness;
    use crate::task::Shutdown;

    #[tokio::test]
    async fn healthcheck_reports_readyz() {
        let shutdown = Shutdown::new();
        let readiness = Readiness::new();
        let any = Admin {
            listen: Some("127.0.0.1:0".parse().unwrap()),
        };
        let listen = admin::spawn(&any, readiness.clone(), shutdown.clone())
            .await
            .unwrap();
        let by_admin_port = Common {
            admin: Admin { listen },
            ..Common::default()
        };
        let mut by_only_port = Common::default();
        by_only_port.server.listen = listen.unwrap();
        healthcheck(&by_admin_port).await.unwrap();
        healthcheck(&by_only_port).await.unwrap();
        readiness.begin_drain();
        let refused = healthcheck(&by_admin_port).await.unwrap_err();
        assert_eq!(refused.to_string(), "not ready: 503 Service Unavailable");
        shutdown.trigger();
    }

    #[test]
    fn unspecified_address_becomes_loopback() {
        assert_eq!(loopback("0.0.0.0:9".parse().unwrap()).to_string(), "127.0.0.1:9");
        assert_eq!(loopback("[::]:9".parse().unwrap()).to_string(), "[::1]:9");
        assert_eq!(loopback("10.0.0.7:9".parse().unwrap()).to_string(), "10.0.0.7:9");
    }
}
