//! Writes log lines: one JSON object each, with correlation id and trace id of the request context.
//!
//! Headers, tokens and messages are never logged, so nothing is masked.

use std::fmt;

use serde_json::{Map, Value, json};
use tracing::{Event, Subscriber};
use tracing_serde::fields::AsMap as _;
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::Clock;
use crate::config::LogFormat;
use crate::request_context::RequestContext;

/// Returns the layer that writes log lines.
pub fn layer<S, W>(
    service: &'static str,
    format: LogFormat,
    clock: Clock,
    writer: W,
) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    match format {
        LogFormat::Json => tracing_subscriber::fmt::layer()
            .event_format(JsonLine { service, clock })
            .with_writer(writer)
            .boxed(),
        LogFormat::Text => tracing_subscriber::fmt::layer()
            .compact()
            .with_writer(writer)
            .boxed(),
    }
}

struct JsonLine {
    service: &'static str,
    clock: Clock,
}

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Map::new();
        line.insert(
            "time".into(),
            json!(
                self.clock
                    .now()
                    .to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
            ),
        );
        line.insert("level".into(), json!(event.metadata().level().as_str()));
        line.insert("service".into(), json!(self.service));
        line.insert("target".into(), json!(event.metadata().target()));
        if let Some(span) = context.lookup_current() {
            line.insert("span".into(), json!(span.name()));
        }
        if let Some(context) = RequestContext::current() {
            line.insert("correlation_id".into(), json!(context.correlation_id()));
            if let Some(trace_id) = context.trace_id() {
                line.insert("trace_id".into(), json!(trace_id));
            }
        }
        if let Ok(Value::Object(fields)) = serde_json::to_value(event.field_map()) {
            line.extend(fields);
        }
        writeln!(out, "{}", Value::Object(line))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

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

    #[tokio::test]
    async fn line_is_json_with_its_request_context() {
        let captured = Captured::default();
        let (clock, _) = Clock::manual("2026-11-22T12:00:00Z".parse().unwrap());
        let sink = captured.clone();
        let layer = layer("booking", LogFormat::Json, clock, move || sink.clone());
        let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = RequestContext::background("corr-1", Some(traceparent));
        context
            .run(async { tracing::warn!(count = 3, ok = true, name = "x", "two\nlines") })
            .await;
        drop(guard);
        let line: Value = serde_json::from_slice(&captured.0.lock().unwrap()).unwrap();
        let expected = json!({
            "time": "2026-11-22T12:00:00.000Z", "level": "WARN", "service": "booking",
            "target": "carshare_chassis::telemetry::logs::tests", "message": "two\nlines",
            "correlation_id": "corr-1", "trace_id": "0af7651916cd43dd8448eb211c80319c",
            "count": 3, "ok": true, "name": "x",
        });
        assert_eq!(line, expected);
    }
}
