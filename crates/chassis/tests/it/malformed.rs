//! Requests whose bytes are not those of a message: compressed, cut off, empty.

use std::io::Write as _;

use bytes::Bytes;
use carshare_chassis::config::{Common, Server};
use carshare_proto::auth::v1::LoginRequest;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, Request};
use http_body_util::Full;
use prost::Message as _;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::ServiceExt as _;

use crate::fake::Behaviour;
use crate::harness::{TestServer, facts, named, plain};
use crate::logs::Captured;

const LOGIN: &str = "/carshare.auth.v1.AuthService/Login";

/// Sends a body to `Login` and returns the headers of the response.
async fn post(server: &TestServer, encoding: &str, body: Vec<u8>) -> HeaderMap {
    let request = Request::post(LOGIN)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-encoding", encoding);
    let request = request.body(Body::new(Full::new(Bytes::from(body)))).unwrap();
    let response = server.channel().oneshot(request).await.unwrap();
    response.into_parts().0.headers
}

fn status(headers: &HeaderMap) -> Option<Status> {
    Status::from_header_map(headers)
}

fn login() -> Vec<u8> {
    let login = LoginRequest {
        email: "guest@example.com".into(),
        password: "correct horse".into(),
        mfa_code: None,
    };
    login.encode_to_vec()
}

/// Returns a frame of the gRPC protocol.
fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flag], &length[..], message].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn unreadable_request_is_an_invalid_argument_and_logged_as_a_refusal() {
    let captured = Captured::default();
    let guards = captured.start();
    let server = TestServer::start(plain(), &Behaviour::ok()).await;
    let whole = frame(0, &login());
    let bodies = [
        Vec::new(),
        whole[..3].to_vec(),
        whole[..whole.len() - 1].to_vec(),
        frame(7, &login()),
        frame(1, b"not gzip"),
    ];
    let count = bodies.len();
    for body in bodies {
        let status = status(&post(&server, "gzip", body.clone()).await).expect("an error");
        assert_eq!(status.code(), Code::InvalidArgument, "{body:?}");
        assert_eq!(facts(&status), named("INVALID_ARGUMENT", "COMMON001"), "{body:?}");
    }
    drop(guards);
    let lines = captured.rpcs();
    assert_eq!(lines.len(), count);
    for line in lines {
        assert_eq!(
            (&line["level"], &line["code"]),
            (&"INFO".into(), &"INVALID_ARGUMENT".into()),
            "{line}"
        );
    }
}

#[tokio::test]
async fn gzip_request_is_read_and_another_encoding_is_refused_with_the_accepted_ones() {
    let (behaviour, mut contexts) = Behaviour::recording();
    let server = TestServer::start(plain(), &behaviour).await;
    let compressed = frame(1, &gzip(&login()));
    assert!(status(&post(&server, "gzip", compressed.clone()).await).is_none());
    contexts.try_recv().expect("the handler was called");
    let refused = post(&server, "zstd", compressed).await;
    assert_eq!(status(&refused).unwrap().code(), Code::Unimplemented);
    assert_eq!(refused["grpc-accept-encoding"], "gzip,identity");
}

#[tokio::test]
async fn request_that_decompresses_to_more_than_the_limit_is_too_large() {
    let common = Common {
        server: Server {
            max_message_bytes: 8 << 20,
            ..Server::default()
        },
        ..plain()
    };
    let server = TestServer::start(common, &Behaviour::ok()).await;
    let bomb = frame(1, &gzip(&vec![0; 5 << 20]));
    assert!(bomb.len() < 10_000);
    let status = status(&post(&server, "gzip", bomb).await).expect("an error");
    assert_eq!(facts(&status), named("TOO_LARGE", "COMMON009"));
}
