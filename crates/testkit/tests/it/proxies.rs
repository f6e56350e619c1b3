//! The proxy passes, cuts, stalls and delays.

use std::time::Duration;

use carshare_testkit::proxy::FaultProxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// A server that says back what it hears.
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

async fn round(socket: &mut TcpStream, word: &[u8]) -> std::io::Result<Vec<u8>> {
    socket.write_all(word).await?;
    let mut heard = vec![0; word.len()];
    socket.read_exact(&mut heard).await?;
    Ok(heard)
}

#[tokio::test]
async fn a_cut_ends_connections_and_healing_lets_new_ones_through() {
    let proxy = FaultProxy::start(echo()).await.unwrap();
    let mut old = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(round(&mut old, b"hello").await.unwrap(), b"hello");
    proxy.cut();
    assert!(round(&mut old, b"still there?").await.is_err());
    let mut refused = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(round(&mut refused, b"anybody?").await.is_err());
    proxy.heal();
    let mut new = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(round(&mut new, b"again").await.unwrap(), b"again");
}

#[tokio::test]
async fn a_stall_holds_bytes_back_until_it_heals() {
    let proxy = FaultProxy::start(echo()).await.unwrap();
    let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
    round(&mut socket, b"up").await.unwrap();
    proxy.stall();
    assert!(
        timeout(Duration::from_millis(100), round(&mut socket, b"late"))
            .await
            .is_err()
    );
    proxy.heal();
    let mut heard = [0; 4];
    socket.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"late");
}

#[tokio::test]
async fn a_delay_is_paid_in_both_directions() {
    let proxy = FaultProxy::start(echo()).await.unwrap();
    let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
    proxy.delay(Duration::from_millis(40));
    let start = Instant::now();
    round(&mut socket, b"slow").await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(80));
}
