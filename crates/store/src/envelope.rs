//! The encoding of an event in a Redis Stream.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use chrono::{DateTime, SecondsFormat, Utc};
use redis::{FromRedisValue, Value};
use uuid::Uuid;

/// Returns the name of the stream of `service`'s events.
pub(crate) fn events_of(service: &str) -> String {
    format!("carshare:events:{service}")
}

/// Returns the name of the dead-letter stream of `group`.
pub(crate) fn dead_of(group: &str) -> String {
    format!("carshare:dead:{group}")
}

/// An event with its metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) correlation_id: String,
    pub(crate) traceparent: Option<String>,
    pub(crate) data: Vec<u8>,
}

impl Envelope {
    /// Returns the field names and values of the entry; their number is fixed.
    pub(crate) fn fields(&self) -> [(&'static str, Vec<u8>); 7] {
        let time = self.occurred_at.to_rfc3339_opts(SecondsFormat::Micros, true);
        [
            ("id", self.id.to_string().into_bytes()),
            ("name", self.name.clone().into_bytes()),
            ("key", self.key.clone().into_bytes()),
            ("occurred_at", time.into_bytes()),
            ("correlation_id", self.correlation_id.clone().into_bytes()),
            (
                "traceparent",
                self.traceparent.clone().unwrap_or_default().into_bytes(),
            ),
            ("data", self.data.clone()),
        ]
    }

    /// Decodes an entry. The error names the field that is missing or malformed.
    pub(crate) fn read(fields: &HashMap<String, Value>) -> Result<Self> {
        let traceparent: String = text(fields, "traceparent")?;
        Ok(Self {
            id: text(fields, "id")?.parse().context("field id")?,
            name: text(fields, "name")?,
            key: text(fields, "key")?,
            occurred_at: text(fields, "occurred_at")?
                .parse()
                .context("field occurred_at")?,
            correlation_id: text(fields, "correlation_id")?,
            traceparent: Some(traceparent).filter(|value| !value.is_empty()),
            data: get(fields, "data")?,
        })
    }
}

fn text(fields: &HashMap<String, Value>, name: &str) -> Result<String> {
    get(fields, name)
}

fn get<T: FromRedisValue>(fields: &HashMap<String, Value>, name: &str) -> Result<T> {
    let value = fields
        .get(name)
        .with_context(|| format!("field {name} is missing"))?;
    T::from_redis_value(value.clone()).map_err(|error| anyhow::anyhow!("field {name}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            id: Uuid::from_u128(7),
            name: "booking.requested".into(),
            key: "b-1".into(),
            occurred_at: "2026-11-22T12:00:00.123456Z".parse().unwrap(),
            correlation_id: "c-1".into(),
            traceparent: None,
            data: vec![0, 255, 10],
        }
    }

    fn entry(envelope: &Envelope) -> HashMap<String, Value> {
        let fields = envelope.fields().into_iter();
        fields
            .map(|(name, value)| (name.to_owned(), Value::BulkString(value)))
            .collect()
    }

    #[test]
    fn fields_round_trip() {
        let traced = Envelope {
            traceparent: Some("00-ab-cd-01".into()),
            ..envelope()
        };
        for envelope in [envelope(), traced] {
            assert_eq!(Envelope::read(&entry(&envelope)).unwrap(), envelope);
        }
    }

    #[test]
    fn error_names_the_missing_or_malformed_field() {
        let mut fields = entry(&envelope());
        fields.insert("id".into(), Value::BulkString(b"seven".to_vec()));
        assert!(Envelope::read(&fields).unwrap_err().to_string().contains("id"));
        fields.remove("id");
        assert_eq!(
            Envelope::read(&fields).unwrap_err().to_string(),
            "field id is missing"
        );
    }
}
