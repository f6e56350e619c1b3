//! Serves HTTP on a listener, with TLS if configured, and drains: running calls finish, then the connections close. Used by the gRPC
//! server and by the gateway.

mod admission;
mod first_byte_timeout;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::{BoxError, Service, ServiceExt as _};

use crate::config;
use crate::tls::{self, Certificate};
pub use admission::{Admission, Admitted};
use first_byte_timeout::FirstByteTimeout;

/// Time for the TLS handshake, for the first bytes, which tell the version of HTTP, and for a request head of HTTP/1.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Upper bound of a request head; a larger one is answered with 431 and no body. Twice that of the gateway, whose 431 has one.
const MAX_HEAD_BYTES: usize = 128 << 10;
/// Delay after a failed accept, which means that the process has no file descriptors left.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub struct Options {
    /// `None` for plain text.
    pub tls: Option<Certificate>,
    pub protocol: Protocol,
    /// Upper bound of the HTTP/2 streams open at a time on one connection.
    pub max_streams_per_connection: u32,
    /// Time for running calls to finish once draining begins; then their connections are closed.
    pub drain_timeout: Duration,
    /// Admits connections; `None` admits all.
    pub admission: Option<Admission>,
}

impl Options {
    pub fn new(config: &config::Server, protocol: Protocol, tls: Option<Certificate>) -> Self {
        Self {
            tls,
            protocol,
            max_streams_per_connection: config.max_streams_per_connection,
            drain_timeout: config.drain_timeout,
            admission: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/2 only: gRPC.
    Http2,
    /// HTTP/1.1 with upgrades, and HTTP/2 by prior knowledge or ALPN.
    Both,
}

/// Facts about the connection, in the extensions of each of its requests.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Address of the client.
    pub remote: SocketAddr,
    /// Service that the client's verified certificate names.
    pub peer: Option<Arc<str>>,
    pub is_tls: bool,
}

/// A service of HTTP requests that answers errors with responses.
pub trait HttpService<B>:
    Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

impl<S, B> HttpService<B> for S where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static
{
}

/// Serves until `stop` fires, then drains. Returns when the last connection is closed.
pub async fn serve<S, B>(listener: TcpListener, options: Options, service: S, stop: CancellationToken)
where
    S: HttpService<B>,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let connections = TaskTracker::new();
    let cut = CancellationToken::new();
    let acceptor = Acceptor::new(&options, stop.clone());
    while let Some((stream, remote)) = next_connection(&listener, &stop).await {
        let Some(admitted) = admission::admit(options.admission.as_ref(), remote.ip()) else {
            continue;
        };
        let (acceptor, service, cut) = (acceptor.clone(), service.clone(), cut.clone());
        let connection = async move {
            let _admitted = admitted;
            // Drops the connection with all its streams.
            cut.run_until_cancelled(acceptor.serve(stream, remote, service))
                .await;
        };
        crate::task::spawn("connection", connections.track_future(connection));
    }
    // From now on the kernel refuses connections.
    drop(listener);
    connections.close();
    if tokio::time::timeout(options.drain_timeout, connections.wait())
        .await
        .is_err()
    {
        tracing::warn!(
            connections = connections.len(),
            "drain timed out, closing connections"
        );
        cut.cancel();
        connections.wait().await;
    }
}

async fn next_connection(
    listener: &TcpListener,
    stop: &CancellationToken,
) -> Option<(TcpStream, SocketAddr)> {
    loop {
        match stop.run_until_cancelled(listener.accept()).await? {
            Ok(accepted) => return Some(accepted),
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                stop.run_until_cancelled(tokio::time::sleep(ACCEPT_RETRY_DELAY))
                    .await?;
            }
        }
    }
}

#[derive(Clone)]
struct Acceptor {
    tls: Option<Certificate>,
    http: Builder<TokioExecutor>,
    stop: CancellationToken,
    /// [`HANDSHAKE_TIMEOUT`], shorter in a test.
    handshake_timeout: Duration,
}

impl Acceptor {
    fn new(options: &Options, stop: CancellationToken) -> Self {
        let mut http = Builder::new(TokioExecutor::new());
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HANDSHAKE_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES);
        http.http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(options.max_streams_per_connection)
            .max_header_list_size(MAX_HEAD_BYTES as u32)
            .keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
        if options.protocol == Protocol::Http2 {
            http = http.http2_only();
        }
        Self {
            tls: options.tls.clone(),
            http,
            stop,
            handshake_timeout: HANDSHAKE_TIMEOUT,
        }
    }

    async fn serve<S, B>(self, stream: TcpStream, remote: SocketAddr, service: S)
    where
        S: HttpService<B>,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        // Small frames are sent at once.
        let _ = stream.set_nodelay(true);
        let Some(certificate) = self.tls.clone() else {
            let plain = Connection {
                remote,
                peer: None,
                is_tls: false,
            };
            return self
                .serve_http(stream, plain, service, std::future::pending())
                .await;
        };
        let current = certificate.current();
        let handshake = TlsAcceptor::from(Arc::clone(&current.server)).accept(stream);
        let failure = match tokio::time::timeout(self.handshake_timeout, handshake).await {
            Ok(Ok(stream)) => {
                let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
                let chain: Vec<_> = chain.iter().map(|one| one.clone().into_owned()).collect();
                let peer = chain.first().and_then(tls::peer_name).map(Arc::from);
                let connection = Connection {
                    remote,
                    peer,
                    is_tls: true,
                };
                let distrusted = certificate.distrusts(chain);
                return self.serve_http(stream, connection, service, distrusted).await;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "timed out".to_owned(),
        };
        metrics::counter!("tls_handshake_failures_total", "certificate" => certificate.name()).increment(1);
        tracing::debug!(%remote, failure, "TLS handshake failed");
    }

    /// Drains when the server stops, and when the client is `distrusted`.
    async fn serve_http<I, S, B>(
        self,
        stream: I,
        connection: Connection,
        service: S,
        distrusted: impl Future<Output = ()>,
    ) where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: HttpService<B>,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let remote = connection.remote;
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(connection.clone());
            service.clone().oneshot(request)
        });
        let mut http = std::pin::pin!(self.http.serve_connection_with_upgrades(
            TokioIo::new(FirstByteTimeout::new(stream, self.handshake_timeout)),
            service
        ));
        let stopping = async {
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = distrusted => {}
            }
        };
        let ended = tokio::select! {
            ended = &mut http => ended,
            () = stopping => {
                http.as_mut().graceful_shutdown();
                http.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%remote, error, "connection failed");
        }
    }
}

#[cfg(test)]
mod tests;
