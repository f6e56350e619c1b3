//! The access log, and secrets that no log has.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;

use carshare_chassis::config::Telemetry;
use carshare_chassis::telemetry::prometheus;
use carshare_chassis::{Clock, Error, task, telemetry};
use carshare_proto::auth::v1::auth_service_client::AuthServiceClient;
use carshare_proto::auth::v1::{GetMeRequest, LoginRequest};
use carshare_proto::booking::v1::ErrorReason as Booking;
use carshare_proto::notification::v1::SubscribeRequest;
use carshare_proto::notification::v1::notification_service_client::NotificationServiceClient;
use futures::{StreamExt as _, stream};
use http_body::Frame;
use http_body_util::StreamBody;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::Request;

use crate::fake::Behaviour;
use crate::harness::{TestServer, USER, plain, with_token};

/// Log lines of this thread.
#[derive(Clone, Default)]
pub struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Captured {
    /// Captures at level `trace` until the guards are dropped.
    pub fn start(&self) -> (tracing::subscriber::DefaultGuard, telemetry::Guard) {
        let config = Telemetry {
            log: "trace".into(),
            ..Telemetry::default()
        };
        let (clock, _) = Clock::manual("2026-11-22T12:00:00Z".parse().unwrap());
        let sink = self.clone();
        let (subscriber, guard) =
            telemetry::subscriber("fake", &config, &clock, move || sink.clone()).unwrap();
        (tracing::subscriber::set_default(subscriber), guard)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    pub fn rpcs(&self) -> Vec<Value> {
        let lines = self
            .text()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect::<Vec<Value>>();
        lines
            .into_iter()
            .filter(|line| line["message"] == "rpc")
            .collect()
    }
}

#[tokio::test]
async fn rpc_is_logged_in_one_line_with_caller_and_result() {
    let captured = Captured::default();
    let guards = captured.start();
    let behaviour = Behaviour::new(|context| async move {
        match context.caller.user() {
            Ok(_) => {
                Err(Error::new(Booking::SlotTaken).cause(anyhow::anyhow!("constraint booking_no_overlap")))
            }
            Err(_) => Ok(()),
        }
    });
    let server = TestServer::start(plain(), &behaviour).await;
    let mut auth = AuthServiceClient::new(server.channel());
    let mut request = server.request("guest", GetMeRequest {});
    request
        .metadata_mut()
        .insert("x-correlation-id", "client-1".parse().unwrap());
    auth.get_me(request).await.unwrap_err();
    auth.get_me(GetMeRequest {}).await.unwrap_err();
    drop(guards);
    let mut lines = captured.rpcs();
    assert_eq!(lines.len(), 2);
    let first = lines[0].as_object_mut().unwrap();
    assert!(first.remove("duration_ms").unwrap().as_f64().unwrap() > 0.0);
    assert_eq!(first.remove("trace_id").unwrap().as_str().unwrap().len(), 32);
    let expected = json!({
        "time": "2026-11-22T12:00:00.000Z", "level": "INFO", "service": "fake",
        "target": "carshare_chassis::server::layer::access_log", "message": "rpc",
        "rpc": "rpc.auth.get_me", "code": "FAILED_PRECONDITION", "reason": "SLOT_TAKEN", "cause": "constraint booking_no_overlap",
        "caller": "guest", "user_id": USER.to_string(), "correlation_id": "client-1",
    });
    assert_eq!(lines[0], expected);
    assert_eq!(
        (&lines[1]["code"], &lines[1]["reason"]),
        (&json!("UNAUTHENTICATED"), &json!("UNAUTHENTICATED"))
    );
    assert_eq!(lines[1].get("user_id"), None);
}

#[tokio::test]
async fn defect_is_logged_as_an_error_with_its_cause_and_invalid_input_with_its_reason() {
    let captured = Captured::default();
    let guards = captured.start();
    let behaviour =
        Behaviour::new(|_| async { Err(anyhow::anyhow!("disk full").context("cannot write").into()) });
    let server = TestServer::start(plain(), &behaviour).await;
    let mut auth = AuthServiceClient::new(server.channel());
    let good = LoginRequest {
        email: "guest@example.com".into(),
        password: "correct horse".into(),
        mfa_code: None,
    };
    auth.login(good).await.unwrap_err();
    auth.login(LoginRequest::default()).await.unwrap_err();
    drop(guards);
    let lines = captured.rpcs();
    assert_eq!(
        (&lines[0]["level"], &lines[0]["cause"]),
        (&json!("ERROR"), &json!("cannot write: disk full"))
    );
    assert_eq!(
        (&lines[1]["level"], &lines[1]["reason"]),
        (&json!("INFO"), &json!("INVALID_ARGUMENT"))
    );
}

#[tokio::test]
async fn logs_have_no_token_no_password_and_no_email_address() {
    let captured = Captured::default();
    let guards = captured.start();
    let server = TestServer::start(plain(), &Behaviour::ok()).await;
    let token = server.tokens.mint("guest", USER, server.clock.now());
    let mut auth = AuthServiceClient::new(server.peer("auth", &carshare_chassis::config::Tls::insecure()));
    auth.get_me(with_token(GetMeRequest {}, &token)).await.unwrap();
    let broken = format!("{}x", &token[..token.len() - 9]);
    auth.get_me(with_token(GetMeRequest {}, &broken))
        .await
        .unwrap_err();
    let credentials = LoginRequest {
        email: "minji@example.com".into(),
        password: "correct horse".into(),
        mfa_code: None,
    };
    auth.login(Request::new(credentials)).await.unwrap();
    drop(guards);
    let text = captured.text();
    assert_eq!(captured.rpcs().len(), 3);
    let signature = token.rsplit('.').next().unwrap();
    for secret in [
        token.as_str(),
        signature,
        &broken,
        "correct horse",
        "minji",
        "Bearer",
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

/// Opens a connection to the server.
async fn connect(server: &TestServer) -> SendRequest<BoxBody> {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (requests, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    task::spawn("client", connection);
    requests
}

type BoxBody = UnsyncBoxBody<Bytes, io::Error>;

/// Sends a call whose message breaks off after its prefix: with the stream or, if `error` is `None`, when the future is dropped.
fn broken(server: &TestServer, path: &str, error: Option<io::Error>) -> http::Request<BoxBody> {
    let prefix = Frame::data(Bytes::from_static(&[0, 0, 0, 0, 100]));
    let rest = stream::iter(error.map(Err)).chain(stream::pending());
    let body = stream::iter([Ok(prefix)]).chain(rest);
    http::Request::post(format!("http://{}{path}", server.address))
        .header("content-type", "application/grpc")
        .body(BoxBody::new(StreamBody::new(body)))
        .unwrap()
}

#[tokio::test]
async fn call_that_the_caller_cuts_off_is_cancelled_and_no_error() {
    const LOGIN: &str = "/carshare.auth.v1.AuthService/Login";
    let captured = Captured::default();
    let guards = captured.start();
    let server = TestServer::start(plain(), &Behaviour::ok()).await;
    let count = || {
        let page = prometheus::render();
        let line = page.lines().find_map(|line| {
            line.strip_prefix(r#"rpc_server_calls_total{rpc="rpc.auth.login",code="CANCELLED"} "#)
        });
        line.map_or(0, |count| count.parse::<u64>().unwrap())
    };
    let before = count();
    // The stream is reset inside the message.
    let reset = broken(&server, LOGIN, Some(io::Error::other("reset")));
    connect(&server).await.send_request(reset).await.unwrap_err();
    // The connection is closed inside the message.
    let mut requests = connect(&server).await;
    let waiting = requests.send_request(broken(&server, LOGIN, None));
    assert!(timeout(Duration::from_millis(50), waiting).await.is_err());
    drop(requests);
    // The stream is reset inside the response.
    let mut notifications = NotificationServiceClient::new(server.channel());
    let request = server.request("guest", SubscribeRequest::default());
    let mut stream = notifications.subscribe(request).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    drop(stream);
    carshare_testkit::eventually_true(Duration::from_secs(10), async || captured.rpcs().len() == 3).await;
    drop(guards);
    for line in captured.rpcs() {
        assert_eq!(
            (&line["code"], &line["level"]),
            (&json!("CANCELLED"), &json!("INFO")),
            "{line}"
        );
    }
    assert_eq!(count() - before, 2);
}
