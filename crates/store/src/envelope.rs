//! An event with its metadata, and its encodings in a Redis Stream and in the event log's RPC.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use carshare_chassis::proto_types::{timestamp, to_datetime};
use carshare_proto::event_log::v1 as pb;
use chrono::{DateTime, SecondsFormat, Utc};
use redis::{FromRedisValue, Value};
use sea_orm::FromQueryResult;
use uuid::Uuid;

/// Returns the name of the stream of `service`'s events.
pub(crate) fn stream_of(service: &str) -> String {
    format!("carshare:events:{service}")
}

/// An event with its metadata.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub(crate) struct Envelope {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) key: String,
    /// Number of the event among those of its key, from 1, without gaps.
    pub(crate) key_seq: i64,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) correlation_id: String,
    pub(crate) traceparent: Option<String>,
    pub(crate) data: Vec<u8>,
}

impl Envelope {
    /// Returns the field names and values of the stream entry.
    pub(crate) fn fields(&self) -> [(&'static str, Vec<u8>); 8] {
        let time = self.occurred_at.to_rfc3339_opts(SecondsFormat::Micros, true);
        [
            ("id", self.id.to_string().into_bytes()),
            ("name", self.name.clone().into_bytes()),
            ("key", self.key.clone().into_bytes()),
            ("key_seq", self.key_seq.to_string().into_bytes()),
            ("occurred_at", time.into_bytes()),
            ("correlation_id", self.correlation_id.clone().into_bytes()),
            (
                "traceparent",
                self.traceparent.clone().unwrap_or_default().into_bytes(),
            ),
            ("data", self.data.clone()),
        ]
    }

    /// Decodes a stream entry. The error names the field that is missing or malformed.
    pub(crate) fn read(fields: &HashMap<String, Value>) -> Result<Self> {
        let traceparent: String = text(fields, "traceparent")?;
        Ok(Self {
            id: text(fields, "id")?.parse().context("field id")?,
            name: text(fields, "name")?,
            key: text(fields, "key")?,
            key_seq: text(fields, "key_seq")?.parse().context("field key_seq")?,
            occurred_at: text(fields, "occurred_at")?
                .parse()
                .context("field occurred_at")?,
            correlation_id: text(fields, "correlation_id")?,
            traceparent: Some(traceparent).filter(|value| !value.is_empty()),
            data: get(fields, "data")?,
        })
    }

    /// Encodes an event of the log.
    pub(crate) fn into_proto(self, position: i64) -> pb::Event {
        pb::Event {
            id: self.id.to_string(),
            name: self.name,
            key: self.key,
            key_sequence: self.key_seq,
            occurred_at: Some(timestamp(self.occurred_at)),
            correlation_id: self.correlation_id,
            traceparent: self.traceparent.unwrap_or_default(),
            data: self.data.into(),
            position,
        }
    }

    /// Decodes an event of the log. The error names the field that is missing or malformed.
    pub(crate) fn from_proto(event: pb::Event) -> Result<Self> {
        Ok(Self {
            id: event.id.parse().context("field id")?,
            name: event.name,
            key: event.key,
            key_seq: event.key_sequence,
            occurred_at: to_datetime(event.occurred_at).context("field occurred_at")?,
            correlation_id: event.correlation_id,
            traceparent: Some(event.traceparent).filter(|value| !value.is_empty()),
            data: event.data.into(),
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
            key_seq: 3,
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
    fn both_encodings_round_trip() {
        let traced = Envelope {
            traceparent: Some("00-ab-cd-01".into()),
            ..envelope()
        };
        for envelope in [envelope(), traced] {
            assert_eq!(Envelope::read(&entry(&envelope)).unwrap(), envelope);
            let event = envelope.clone().into_proto(9);
            assert_eq!(event.position, 9);
            assert_eq!(Envelope::from_proto(event).unwrap(), envelope);
        }
    }

    #[test]
    fn error_names_the_missing_or_malformed_field() {
        let mut fields = entry(&envelope());
        fields.insert("key_seq".into(), Value::BulkString(b"seven".to_vec()));
        assert!(
            Envelope::read(&fields)
                .unwrap_err()
                .to_string()
                .contains("key_seq")
        );
        fields.remove("id");
        assert_eq!(
            Envelope::read(&fields).unwrap_err().to_string(),
            "field id is missing"
        );
        let event = pb::Event {
            occurred_at: None,
            ..envelope().into_proto(1)
        };
        assert_eq!(
            Envelope::from_proto(event).unwrap_err().to_string(),
            "field occurred_at"
        );
    }
}
