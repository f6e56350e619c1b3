//! The access log, and secrets that no log has.

use std::io::Write;
use std::sync::{Arc, Mutex};

use carshare_chassis::config::Telemetry;
use carshare_chassis::{Clock, Error, telemetry};
use carshare_proto::auth::v1::auth_service_client::AuthServiceClient;
use carshare_proto::auth::v1::{GetMeRequest, LoginRequest};
use carshare_proto::booking::v1::ErrorReason as Booking;
use serde_json::{Value, json};
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
    fn start(&self) -> (tracing::subscriber::DefaultGuard, telemetry::Guard) {
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

    fn rpcs(&self) -> Vec<Value> {
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
        "target": "carshare_chassis::server::layer::access_log", "span": "rpc", "message": "rpc",
        "rpc": "rpc.auth.get_me", "code": "ABORTED", "reason": "SLOT_TAKEN", "cause": "constraint booking_no_overlap",
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
