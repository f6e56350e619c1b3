use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Returns the text that `log` writes at noon.
fn logged(log: impl FnOnce()) -> String {
    let captured = Captured::default();
    let (clock, _) = Clock::manual("2026-11-22T12:00:00.0456Z".parse().unwrap());
    let sink = captured.clone();
    let layer = layer("booking", LogFormat::Json, clock, move || sink.clone());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
    let text = captured.0.lock().unwrap().clone();
    String::from_utf8(text).unwrap()
}

const TARGET: &str = "carshare_chassis::telemetry::logs::tests";

#[test]
fn line_is_json_with_its_request_context() {
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let context = RequestContext::background("corr-1", Some(traceparent));
    let text = logged(|| {
        context.enter(|| {
            tracing::warn!(
                count = 3,
                less = -1,
                ok = true,
                name = "x",
                share = 1.0,
                "two\nlines"
            );
        });
    });
    let expected = json!({
        "time": "2026-11-22T12:00:00.045Z", "level": "WARN", "service": "booking", "target": TARGET,
        "correlation_id": "corr-1", "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "message": "two\nlines", "count": 3, "less": -1, "ok": true, "name": "x", "share": 1.0,
    });
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
}

#[test]
fn field_of_the_event_replaces_a_common_one_and_an_absent_field_does_not() {
    let context = RequestContext::background("corr-1", None);
    let text = logged(|| {
        context.enter(|| {
            tracing::info!(service = "other", correlation_id = None::<&str>, "starting");
        });
    });
    assert_eq!(text.matches("\"service\"").count(), 1, "{text}");
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&line["service"], &line["correlation_id"]),
        (&json!("other"), &json!("corr-1"))
    );
}

#[test]
fn text_is_escaped_and_numbers_that_json_lacks_are_null() {
    let nasty = "\" \\ \n \r \t \u{0} \u{1f} \u{7f} 서울";
    let text = logged(|| tracing::info!(nasty, debug = ?nasty, nan = f64::NAN, "m"));
    assert_eq!(text.lines().count(), 1, "{text}");
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["nasty"], nasty);
    assert_eq!(line["debug"], format!("{nasty:?}"));
    assert_eq!(line["nan"], Value::Null);
}
