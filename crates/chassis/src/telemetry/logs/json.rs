//! Text of a JSON log line, in buffers that are used again.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use tracing::Event;
use tracing::field::{Field, Visit};

/// Fields of every line, which a field of an event replaces.
const COMMON: [&str; 7] = [
    "time",
    "level",
    "service",
    "target",
    "span",
    "correlation_id",
    "trace_id",
];

/// A line without its last fields.
#[derive(Default)]
pub(super) struct Line(Vec<u8>);

impl Line {
    /// Begins a line with its time.
    pub(super) fn begin(&mut self, now: DateTime<Utc>) {
        self.0.clear();
        let (date, time) = (now.date_naive(), now.time());
        // A leap second has up to 1,999 ms.
        let millis = (time.nanosecond() / 1_000_000).min(999);
        // Writing to a vector does not fail.
        let _ = write!(
            self.0,
            "{{\"time\":\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{millis:03}Z\"",
            date.year(),
            date.month(),
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
        );
    }

    pub(super) fn text(&mut self, name: &'static str, value: &str) {
        key(&mut self.0, name);
        quoted(&mut self.0, format_args!("{value}"));
    }

    /// Appends the fields of the event and returns the whole line.
    pub(super) fn end_with(&mut self, fields: &Fields) -> &[u8] {
        self.0.extend_from_slice(&fields.text);
        self.0.extend_from_slice(b"}\n");
        &self.0
    }
}

/// The fields of an event, as they follow other fields of an object.
#[derive(Default)]
pub(super) struct Fields {
    text: Vec<u8>,
    /// Which of [`COMMON`] the event has.
    common: [bool; COMMON.len()],
}

impl Fields {
    pub(super) fn read(&mut self, event: &Event<'_>) {
        self.text.clear();
        self.common = Default::default();
        event.record(self);
    }

    pub(super) fn has(&self, name: &str) -> bool {
        let at = COMMON.iter().position(|common| *common == name);
        at.is_some_and(|at| self.common[at])
    }

    fn key(&mut self, field: &Field) {
        if let Some(at) = COMMON.iter().position(|common| *common == field.name()) {
            self.common[at] = true;
        }
        key(&mut self.text, field.name());
    }

    fn plain(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        self.key(field);
        let _ = self.text.write_fmt(value);
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.key(field);
        // Infinities and NaN are null.
        let _ = serde_json::to_writer(&mut self.text, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, format_args!("{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.key(field);
        quoted(&mut self.text, format_args!("{value:?}"));
    }
}

/// Names of fields are identifiers, with dots and hyphens: nothing in them is escaped.
fn key(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn quoted(out: &mut Vec<u8>, value: fmt::Arguments<'_>) {
    out.push(b'"');
    // A `Debug` that fails leaves a text that ends early.
    let _ = Escaped(out).write_fmt(value);
    out.push(b'"');
}

/// Escapes text as RFC 8259 §7 says.
struct Escaped<'a>(&'a mut Vec<u8>);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text.as_bytes();
        while let Some(at) = rest
            .iter()
            .position(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\'))
        {
            self.0.extend_from_slice(&rest[..at]);
            match rest[at] {
                b'"' => self.0.extend_from_slice(b"\\\""),
                b'\\' => self.0.extend_from_slice(b"\\\\"),
                b'\n' => self.0.extend_from_slice(b"\\n"),
                control => {
                    let _ = write!(self.0, "\\u{control:04x}");
                }
            }
            rest = &rest[at + 1..];
        }
        self.0.extend_from_slice(rest);
        Ok(())
    }
}
