//! Calls on a connection that the peer ends: one that it has not processed is sent again on another connection, one that it may have
//! processed is not.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use carshare_chassis::client::{self, PeerChannel};
use carshare_chassis::config::{Peer, Tls};
use carshare_chassis::{Environment, task};
use carshare_proto::auth::v1::LoginRequest;
use carshare_proto::auth::v1::auth_service_client::AuthServiceClient;
use futures::future::join_all;
use futures::stream;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::fake::Behaviour;
use crate::harness::{TestServer, plain};

const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
const PREFACE_BYTES: usize = 24;
const DATA: u8 = 0;
const END_STREAM: u8 = 1;

const NO_ERROR: u8 = 0;
const INTERNAL_ERROR: u8 = 2;
const REFUSED_STREAM: u8 = 7;
const CANCEL: u8 = 8;

fn goaway(last_stream: u8, code: u8) -> Vec<u8> {
    [
        &[0, 0, 8, 7, 0, 0, 0, 0, 0],
        &[0, 0, 0, last_stream][..],
        &[0, 0, 0, code],
    ]
    .concat()
}

/// Resets the first stream, and processes no other one.
fn reset(code: u8) -> Vec<u8> {
    [
        &[0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, code],
        goaway(1, NO_ERROR).as_slice(),
    ]
    .concat()
}

/// A call that is not safe to repeat.
fn login(email: String) -> LoginRequest {
    LoginRequest {
        email,
        password: "correct horse".into(),
        mfa_code: None,
    }
}

fn channel(address: SocketAddr) -> PeerChannel {
    let peer = Peer {
        timeout: Duration::from_mins(1),
        ..Peer::at(format!("http://{address}"))
    };
    client::connect("auth", &peer, &Tls::insecure(), Environment::system()).unwrap()
}

/// Reads a request and answers it with these frames.
async fn end_with(mut stream: TcpStream, frames: &[u8]) {
    stream.write_all(&SETTINGS).await.unwrap();
    stream.read_exact(&mut [0; PREFACE_BYTES]).await.unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = (&mut stream).take(length.into());
        tokio::io::copy(&mut payload, &mut sink()).await.unwrap();
        if head[3] == DATA && head[4] & END_STREAM != 0 {
            break;
        }
    }
    stream.write_all(frames).await.unwrap();
    stream.shutdown().await.unwrap();
    // Unread bytes would reset the connection.
    let _ = tokio::io::copy(&mut stream, &mut sink()).await;
}

/// Returns whether a call succeeds after its first connection has ended with these frames, and how often it is executed.
async fn call_after(frames: Vec<u8>) -> (bool, usize) {
    let executed = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&executed);
    let server = TestServer::start(
        plain(),
        &Behaviour::new(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            async { Ok(()) }
        }),
    )
    .await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, server_address) = (listener.local_addr().unwrap(), server.address);
    let accepting = task::spawn("accepting", async move {
        let mut frames = Some(frames);
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            // The resolver closes the connections by which it looks whether an address accepts any.
            if stream.peek(&mut [0]).await.is_ok_and(|read| read == 0) {
                continue;
            }
            match frames.take() {
                Some(frames) => drop(task::spawn("ending", async move {
                    end_with(stream, &frames).await;
                })),
                None => drop(task::spawn("proxy", async move {
                    let mut server = TcpStream::connect(server_address).await.unwrap();
                    let _ = copy_bidirectional(&mut stream, &mut server).await;
                })),
            }
        }
    });
    let called = AuthServiceClient::new(channel(address))
        .login(login("guest@example.com".into()))
        .await;
    accepting.abort();
    (called.is_ok(), executed.load(Ordering::SeqCst))
}

#[tokio::test]
async fn call_is_sent_again_only_if_the_peer_has_not_processed_it() {
    for (case, frames, expected) in [
        ("stream above the last one", goaway(0, NO_ERROR), (true, 1)),
        ("refused stream", reset(REFUSED_STREAM), (true, 1)),
        ("stream of the last one", goaway(1, NO_ERROR), (false, 0)),
        ("canceled stream", reset(CANCEL), (false, 0)),
        ("failing peer", goaway(0, INTERNAL_ERROR), (false, 0)),
    ] {
        assert_eq!(call_after(frames).await, expected, "{case}");
    }
}

const CALLERS: usize = 4;
const CALLS_BY_CALLER: usize = 1_000;
/// Each connection is drained after so many calls, so that the retries, one for each caller at most, stay within their budget.
const CALLS_BY_CONNECTION: usize = 100;

/// Executed calls by their email.
type Executed = Arc<Mutex<BTreeMap<String, usize>>>;

/// Executes a call and responds with an empty message.
async fn execute(
    executed: Executed,
    request: Request<Incoming>,
) -> Result<Response<impl hyper::body::Body<Data = Bytes, Error = Infallible>>, hyper::Error> {
    let body = request.into_body().collect().await?.to_bytes();
    let call = LoginRequest::decode(body.slice(5..)).unwrap();
    *executed.lock().unwrap().entry(call.email).or_default() += 1;
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    let frames = [
        Frame::data(Bytes::from_static(&[0; 5])),
        Frame::trailers(trailers),
    ];
    let mut response = Response::new(StreamBody::new(stream::iter(frames.map(Ok))));
    response
        .headers_mut()
        .insert("content-type", "application/grpc".parse().unwrap());
    Ok(response)
}

/// Serves a connection, and drains it when it has executed [`CALLS_BY_CONNECTION`].
async fn serve(stream: TcpStream, executed: Executed, drained: Arc<AtomicUsize>) {
    let (calls, enough) = (AtomicUsize::new(0), Notify::new());
    let service = service_fn(|request| {
        if calls.fetch_add(1, Ordering::Relaxed) + 1 == CALLS_BY_CONNECTION {
            enough.notify_one();
        }
        execute(Arc::clone(&executed), request)
    });
    let http = http2::Builder::new(TokioExecutor::new());
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = &mut connection => {}
        () = enough.notified() => {
            drained.fetch_add(1, Ordering::Relaxed);
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn draining_of_connections_fails_no_call_and_repeats_none() {
    let executed = Executed::default();
    let drained = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (into, counted) = (Arc::clone(&executed), Arc::clone(&drained));
    let accepting = task::spawn("accepting", async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            task::spawn(
                "connection",
                serve(stream, Arc::clone(&into), Arc::clone(&counted)),
            );
        }
    });
    let channel = channel(address);
    let callers = (0..CALLERS).map(|caller| {
        let mut auth = AuthServiceClient::new(channel.clone());
        task::spawn("caller", async move {
            for call in 0..CALLS_BY_CALLER {
                let email = format!("guest-{caller}-{call}@example.com");
                let called = auth.login(login(email.clone())).await;
                called.unwrap_or_else(|status| panic!("{email}: {status:?}"));
            }
        })
    });
    for caller in join_all(callers).await {
        caller.unwrap();
    }
    accepting.abort();
    let executed = executed.lock().unwrap();
    assert_eq!(executed.len(), CALLERS * CALLS_BY_CALLER);
    assert!(executed.values().all(|times| *times == 1), "{executed:?}");
    let drained = drained.load(Ordering::Relaxed);
    assert!(
        drained >= CALLERS * CALLS_BY_CALLER / CALLS_BY_CONNECTION - 1,
        "{drained}"
    );
}
