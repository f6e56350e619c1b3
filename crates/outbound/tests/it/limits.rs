//! Timeouts, the size limit and broken connections.

use std::time::{Duration, Instant};

use carshare_chassis::task;
use carshare_outbound::{Config, Effect, OutboundError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use wiremock::ResponseTemplate;

use crate::fixture::{Fixture, client, environment, status};

#[tokio::test]
async fn timeout_leaves_the_effect_unknown() {
    let slow = status(200).set_delay(Duration::from_secs(30));
    let fixture = Fixture::new(vec![slow]).await;
    let call = fixture
        .client
        .post("/pay")
        .idempotency_key("k")
        .timeout(Duration::from_millis(100));
    let error = call.send().await.unwrap_err();
    assert!(matches!(error, OutboundError::Timeout), "{error}");
    assert_eq!(error.effect(), Effect::Unknown);
    assert_eq!(fixture.request_count().await, 1);
}

#[tokio::test]
async fn refused_connection_has_no_effect() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&uri, Config::default(), environment().0)
        .post("/pay")
        .send()
        .await
        .unwrap_err();
    assert!(matches!(error, OutboundError::Connect), "{error}");
    assert_eq!(
        (error.effect(), error.definitely_not_sent()),
        (Effect::None, true)
    );
}

/// Starts a server that reads a request, writes `answer` and closes the connection.
async fn cutting(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    task::spawn("cutting", async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(answer).await;
        }
    });
    uri
}

#[tokio::test]
async fn broken_connection_after_the_request_leaves_the_effect_unknown() {
    for answer in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"] {
        let client = client(&cutting(answer).await, Config::default(), environment().0);
        let error = client.post("/pay").send().await.unwrap_err();
        assert!(matches!(error, OutboundError::Interrupted), "{error}");
        assert_eq!(error.effect(), Effect::Unknown);
    }
}

#[tokio::test]
async fn body_over_the_limit_is_an_error() {
    let body = |bytes: usize| ResponseTemplate::new(200).set_body_bytes(vec![b'x'; bytes]);
    let config = Config {
        max_body_bytes: 1_000,
        ..Config::default()
    };
    let fixture = Fixture::with(vec![body(1_000), body(1_001)], config).await;
    assert_eq!(fixture.client.get("/x").send().await.unwrap().body.len(), 1_000);
    let error = fixture.client.get("/x").send().await.unwrap_err();
    assert!(matches!(error, OutboundError::TooLarge), "{error}");
    assert_eq!(fixture.request_count().await, 2);
}

#[tokio::test]
async fn hanging_connect_ends_at_the_connect_timeout() {
    // A full accept queue does not answer the handshake.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut held = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(
        Duration::from_millis(200),
        tokio::net::TcpStream::connect(address),
    )
    .await
    {
        held.push(stream);
    }
    let config = Config {
        connect_timeout: Duration::from_millis(200),
        ..Config::default()
    };
    #[expect(clippy::disallowed_methods, reason = "measures real time")]
    let begun = Instant::now();
    let error = client(&format!("http://{address}"), config, environment().0)
        .post("/pay")
        .send()
        .await
        .unwrap_err();
    assert!(matches!(error, OutboundError::Connect), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}
