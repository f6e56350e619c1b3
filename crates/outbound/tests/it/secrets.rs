//! Secrets appear neither in logs nor in Debug forms nor in errors.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing::instrument::WithSubscriber as _;
use wiremock::ResponseTemplate;

use crate::fixture::{Fixture, client, environment};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn logs_debug_forms_and_errors_contain_no_secrets() {
    let captured = Captured::default();
    let writer = captured.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::DEBUG)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_writer(move || writer.clone())
        .finish();
    let forms = calls().with_subscriber(subscriber).await;

    let logs = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    // The breaker's log and the failed attempts are there, so the capture works.
    assert!(
        logs.contains("call failed") && logs.contains("operation=\"charge\""),
        "{logs}"
    );
    for text in [logs, forms] {
        for secret in ["hidden", "aGlkZGVu", "010-1234-5678"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

/// Makes calls that fail in different ways and returns every Debug and Display form.
async fn calls() -> String {
    let body = json!({ "secret": "ps_hidden" });
    let fixture = Fixture::new(vec![ResponseTemplate::new(500).set_body_json(body)]).await;
    let request = fixture
        .client
        .post("/v1/billing/bk_hidden")
        .operation("charge")
        .query(&[("phone", "010-1234-5678")])
        // base64("hidden:") begins with aGlkZGVu
        .basic("hidden", "")
        .secret_header("x-api-key", "hidden")
        .json(&json!({ "card": "hidden" }));
    let built = format!("{request:?} {:?}", fixture.client);
    let failed = request.send().await.unwrap_err();
    let answered = format!("{failed} {failed:?} {:?}", failed.reply());
    let refusal = carshare_chassis::Error::from(failed);
    let nobody = client(
        "http://127.0.0.1:1",
        carshare_outbound::Config::default(),
        environment().0,
    );
    let unsent = nobody
        .post("/v1/billing/bk_hidden")
        .bearer("hidden")
        .send()
        .await
        .unwrap_err();
    format!("{built} {answered} {refusal:?} {unsent} {unsent:?}")
}
