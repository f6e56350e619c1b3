//! `FaultProxy` in front of an echo server.

use std::time::Duration;

use carshare_testkit::proxy::FaultProxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// Starts a server that returns every byte it receives.
fn echo() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            std::thread::spawn(move || std::io::copy(&mut &socket, &mut &socket));
        }
    });
    address
}

async fn echoed(socket: &mut TcpStream, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    socket.write_all(bytes).await?;
    let mut received = vec![0; bytes.len()];
    socket.read_exact(&mut received).await?;
    Ok(received)
}

#[tokio::test]
async fn cut_breaks_connections_until_heal_accepts_new_ones() {
    let proxy = FaultProxy::start(echo()).await.unwrap();
    let mut old = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(echoed(&mut old, b"hello").await.unwrap(), b"hello");
    proxy.cut();
    assert!(echoed(&mut old, b"still there?").await.is_err());
    let mut refused = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(echoed(&mut refused, b"refused?").await.is_err());
    proxy.heal();
    let mut new = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(echoed(&mut new, b"again").await.unwrap(), b"again");
}

#[tokio::test]
async fn stall_holds_bytes_until_heal() {
    let proxy = FaultProxy::start(echo()).await.unwrap();
    let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
    echoed(&mut socket, b"up").await.unwrap();
    proxy.stall();
    assert!(
        timeout(Duration::from_millis(100), echoed(&mut socket, b"late"))
            .await
            .is_err()
    );
    proxy.heal();
    let mut received = [0; 4];
    socket.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"late");
}

#[tokio::test]
async fn delay_applies_in_both_directions() {
    let proxy = FaultProxy::start(echo()).await.unwrap();
    let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
    proxy.delay(Duration::from_millis(40));
    let start = Instant::now();
    echoed(&mut socket, b"slow").await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(80));
}
