//! Writes log lines: one JSON object each, with correlation id and trace id of the request context.
//!
//! Headers, tokens and messages are never logged, so nothing is masked.

mod json;

use std::cell::RefCell;
use std::io::Write as _;

use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::clock::Clock;
use crate::config::LogFormat;
use crate::request_context::RequestContext;
use json::{Fields, Line};

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
        LogFormat::Json => JsonLines {
            service,
            clock,
            writer,
        }
        .boxed(),
        LogFormat::Text => tracing_subscriber::fmt::layer()
            .compact()
            .with_writer(writer)
            .boxed(),
    }
}

/// An own layer: the one of `tracing_subscriber::fmt` formats the fields of each span, which no line has.
struct JsonLines<W> {
    service: &'static str,
    clock: Clock,
    writer: W,
}

#[derive(Default)]
struct Buffers {
    line: Line,
    fields: Fields,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let span = context.lookup_current().map(|span| span.name());
        BUFFERS.with(|buffers| match buffers.try_borrow_mut() {
            Ok(mut buffers) => self.write(&mut buffers, event, span),
            // The `Debug` of a field logs a line of its own.
            Err(_) => self.write(&mut Buffers::default(), event, span),
        });
    }
}

impl<W: for<'w> MakeWriter<'w>> JsonLines<W> {
    fn write(&self, buffers: &mut Buffers, event: &Event<'_>, span: Option<&'static str>) {
        let Buffers { line, fields } = buffers;
        fields.read(event);
        let metadata = event.metadata();
        line.begin(self.clock.now());
        let mut text = |name: &'static str, value: &str| {
            // A field of the event replaces ours of the same name.
            if !fields.has(name) {
                line.text(name, value);
            }
        };
        text("level", metadata.level().as_str());
        text("service", self.service);
        text("target", metadata.target());
        if let Some(span) = span {
            text("span", span);
        }
        if let Some(context) = RequestContext::current() {
            text("correlation_id", context.correlation_id());
            text("trace_id", &context.trace_id());
        }
        // A line that cannot be written is lost; there is no place to say so.
        let _ = self
            .writer
            .make_writer_for(metadata)
            .write_all(line.end_with(fields));
    }
}

#[cfg(test)]
mod tests;
