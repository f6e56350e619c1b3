use carshare_testkit::Ca;
use http_body_util::Empty;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

use super::*;
use crate::config::Tls;
use crate::environment::Environment;

fn acceptor(protocol: Protocol, tls: Option<Certificate>) -> Acceptor {
    let options = Options {
        tls,
        protocol,
        max_streams_per_connection: 1,
        drain_timeout: Duration::ZERO,
        admission: None,
    };
    Acceptor {
        handshake_timeout: Duration::from_millis(20),
        ..Acceptor::new(&options, CancellationToken::new())
    }
}

async fn never(_: Request<Incoming>) -> Result<Response<Empty<bytes::Bytes>>, Infallible> {
    std::future::pending().await
}

/// Returns whether the server closes the connection of a client that sends no more than `sent`.
async fn is_closed(protocol: Protocol, sent: &[u8]) -> bool {
    let acceptor = acceptor(protocol, None);
    let (mut client, server) = duplex(64 << 10);
    let connection = Connection {
        remote: SocketAddr::from(([127, 0, 0, 1], 1)),
        peer: None,
        is_tls: false,
    };
    let never = tower::service_fn(never);
    client.write_all(sent).await.unwrap();
    let served = crate::task::spawn(
        "connection",
        acceptor.serve_http(server, connection, never, std::future::pending()),
    );
    let read = tokio::time::timeout(Duration::from_millis(500), async {
        let mut all = Vec::new();
        client.read_to_end(&mut all).await
    });
    let is_closed = read.await.is_ok();
    served.abort();
    is_closed
}

#[tokio::test]
async fn connection_without_a_preface_is_closed() {
    for (protocol, sent) in [
        (Protocol::Http2, ""),
        (Protocol::Http2, "PRI * HTTP/2.0"),
        (Protocol::Both, ""),
        (Protocol::Both, "P"),
    ] {
        assert!(is_closed(protocol, sent.as_bytes()).await, "{protocol:?} {sent}");
    }
}

#[tokio::test]
async fn connection_of_a_client_that_waits_for_its_response_is_kept() {
    let request = "GET /stream HTTP/1.1\r\nhost: h\r\n\r\n";
    assert!(!is_closed(Protocol::Both, request.as_bytes()).await);
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    assert!(!is_closed(Protocol::Http2, preface).await);
}

#[tokio::test]
async fn client_that_does_not_finish_its_handshake_is_disconnected() {
    let ca = Ca::new().unwrap();
    let issued = ca.issue("booking").unwrap();
    let section = Tls {
        ca_pem: Some(ca.cert_pem()),
        cert_pem: Some(issued.cert_pem),
        key_pem: Some(issued.key_pem.into()),
        ..Tls::default()
    };
    let certificate = Environment::system().certificate(&section).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // Nothing, and the beginning of a ClientHello.
    for sent in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        client.write_all(sent).await.unwrap();
        let (server, remote) = listener.accept().await.unwrap();
        let acceptor = acceptor(Protocol::Both, certificate.clone());
        acceptor.serve(server, remote, tower::service_fn(never)).await;
        let mut rest = Vec::new();
        let closed = client.read_to_end(&mut rest);
        // Unread bytes may reset it.
        let _ = tokio::time::timeout(Duration::from_secs(10), closed)
            .await
            .unwrap();
    }
}
