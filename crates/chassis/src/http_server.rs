//! Accepts connections on a listener that is given, speaks TLS when asked to, and drains: running calls finish, then the
//! connections close. Used by the gRPC server and by the gateway's HTTP front.

mod first_byte_timeout;

use std::convert::Infallible;
use std::error::Error as StdError;
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
use tower::{Service, ServiceExt as _};

use crate::tls;
use first_byte_timeout::Prompt;

/// A client has this long to finish the TLS handshake, to say which HTTP it speaks, and to send a head of HTTP/1.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Largest head of a request; a larger one is answered 431.
const MAX_HEAD_BYTES: usize = 64 << 10;
/// Pause after a failed accept: the process is out of file descriptors.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub struct Options {
    /// Certificates; plain text without.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Which versions are spoken.
    pub protocol: Protocol,
    /// HTTP/2 streams open at a time on one connection.
    pub max_streams_per_connection: u32,
    /// Time that running calls have to finish once draining begins; what still runs then is cut.
    pub drain_timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/2 only: gRPC.
    Http2,
    /// HTTP/1.1 with upgrades, and HTTP/2 by prior knowledge or ALPN.
    Both,
}

/// What every request of a connection carries in its extensions.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Address of the other end.
    pub remote: SocketAddr,
    /// Service named by its verified client certificate.
    pub peer: Option<Arc<str>>,
}

/// Serves until `stop` fires, then drains. Returns when the last connection is closed.
pub async fn serve<S, B>(listener: TcpListener, options: Options, service: S, stop: CancellationToken)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let connections = TaskTracker::new();
    let cut = CancellationToken::new();
    let acceptor = Acceptor::new(&options, stop.clone());
    while let Some((stream, remote)) = next_connection(&listener, &stop).await {
        let (acceptor, service, cut) = (acceptor.clone(), service.clone(), cut.clone());
        let connection = async move {
            // Cutting drops the connection with all its streams.
            cut.run_until_cancelled(acceptor.serve(stream, remote, service))
                .await;
        };
        crate::task::spawn("connection", connections.track_future(connection));
    }
    // From here on connecting is refused by the kernel.
    drop(listener);
    connections.close();
    if tokio::time::timeout(options.drain_timeout, connections.wait())
        .await
        .is_err()
    {
        tracing::warn!(
            connections = connections.len(),
            "drain timed out, cutting what still runs"
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
    tls: Option<TlsAcceptor>,
    http: Builder<TokioExecutor>,
    stop: CancellationToken,
    /// [`HANDSHAKE`], shorter in a test.
    patience: Duration,
}

impl Acceptor {
    fn new(options: &Options, stop: CancellationToken) -> Self {
        let mut http = Builder::new(TokioExecutor::new());
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HANDSHAKE)
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
            tls: options.tls.clone().map(TlsAcceptor::from),
            http,
            stop,
            patience: HANDSHAKE,
        }
    }

    async fn serve<S, B>(self, stream: TcpStream, remote: SocketAddr, service: S)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        // Small frames must not wait for each other.
        let _ = stream.set_nodelay(true);
        let Some(tls) = self.tls.clone() else {
            return self
                .speak(stream, Connection { remote, peer: None }, service)
                .await;
        };
        match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) => {
                let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                let peer = certificate.and_then(tls::peer_name).map(Arc::from);
                self.speak(stream, Connection { remote, peer }, service).await;
            }
            Ok(Err(error)) => tracing::debug!(%remote, %error, "TLS handshake failed"),
            Err(_) => tracing::debug!(%remote, "TLS handshake timed out"),
        }
    }

    async fn speak<I, S, B>(self, stream: I, connection: Connection, service: S)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let remote = connection.remote;
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(connection.clone());
            service.clone().oneshot(request)
        });
        let mut http = std::pin::pin!(
            self.http
                .serve_connection_with_upgrades(TokioIo::new(Prompt::new(stream, self.patience)), service)
        );
        let ended = tokio::select! {
            ended = &mut http => ended,
            () = self.stop.cancelled() => {
                http.as_mut().graceful_shutdown();
                http.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%remote, error, "connection ended badly");
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Empty;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    /// Whether the server hangs up on a client that says no more than `said`.
    async fn hangs_up(protocol: Protocol, said: &[u8]) -> bool {
        let options = Options {
            tls: None,
            protocol,
            max_streams_per_connection: 1,
            drain_timeout: Duration::ZERO,
        };
        let acceptor = Acceptor {
            patience: Duration::from_millis(20),
            ..Acceptor::new(&options, CancellationToken::new())
        };
        let (mut client, server) = duplex(64 << 10);
        let connection = Connection {
            remote: SocketAddr::from(([127, 0, 0, 1], 1)),
            peer: None,
        };
        let never = tower::service_fn(|_: Request<Incoming>| async {
            std::future::pending::<()>().await;
            Ok(Response::new(Empty::<bytes::Bytes>::new()))
        });
        client.write_all(said).await.unwrap();
        let served = crate::task::spawn("connection", acceptor.speak(server, connection, never));
        let heard = tokio::time::timeout(Duration::from_millis(500), async {
            let mut all = Vec::new();
            client.read_to_end(&mut all).await
        });
        let hung_up = heard.await.is_ok();
        served.abort();
        hung_up
    }

    #[tokio::test]
    async fn a_client_that_does_not_say_what_it_speaks_is_left() {
        for (protocol, said) in [
            (Protocol::Http2, ""),
            (Protocol::Http2, "PRI * HTTP/2.0"),
            (Protocol::Both, ""),
            (Protocol::Both, "P"),
        ] {
            assert!(hangs_up(protocol, said.as_bytes()).await, "{protocol:?} {said}");
        }
    }

    #[tokio::test]
    async fn a_client_that_waits_for_its_answer_is_not() {
        let request = "GET /stream HTTP/1.1\r\nhost: h\r\n\r\n";
        assert!(!hangs_up(Protocol::Both, request.as_bytes()).await);
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        assert!(!hangs_up(Protocol::Http2, preface).await);
    }
}
