//! Reads a batch under the lock, sends it and marks it as sent, in one transaction.

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use redis::aio::ConnectionManager;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::append::{Appended, StreamEntryId, append};
use super::{BATCH_SIZE, Relay, STREAM_MAX_LEN};
use crate::envelope::Envelope;

/// Whether another batch may follow.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// There may be more rows to send.
    More,
    /// Nothing is left, or another relay holds the lock.
    All,
}

impl Relay {
    /// Sends the oldest unsent rows.
    ///
    /// The transaction stays open while Redis answers, bounded by the connection's response timeout; only relays wait for the
    /// lock that it holds.
    pub(super) async fn send_batch(&self, redis: ConnectionManager) -> Result<Sent> {
        let mut tx = self
            .db
            .pool()
            .begin()
            .await
            .context("PostgreSQL is unreachable")?;
        if !lock(&mut tx).await? {
            return Ok(Sent::All);
        }
        let rows = unsent(&mut tx).await?;
        self.record_oldest(rows.first().map(|(_, oldest)| oldest.occurred_at));
        if rows.is_empty() && !self.must_verify() {
            return Ok(Sent::All);
        }
        let (numbers, envelopes): (Vec<i64>, Vec<Envelope>) = rows.into_iter().unzip();
        let known = last_sent_id(&mut tx).await?;
        let appended = append(redis, &self.stream, known, STREAM_MAX_LEN, &envelopes)
            .await
            .context("Redis is unreachable")?;
        let sent = match appended {
            Appended::At(ids) => {
                mark_sent(&mut tx, &numbers, &ids, self.db.environment().clock.now()).await?;
                self.count(&envelopes);
                if numbers.len() == BATCH_SIZE {
                    Sent::More
                } else {
                    Sent::All
                }
            }
            Appended::Behind(last) => {
                let again = mark_unsent_after(&mut tx, last).await?;
                metrics::counter!("outbox_sent_again_total", "service" => self.service).increment(again);
                tracing::warn!(
                    service = self.service,
                    events = again,
                    "Redis lost events, sending them again"
                );
                Sent::More
            }
        };
        tx.commit().await.context("PostgreSQL is unreachable")?;
        self.verified();
        Ok(sent)
    }

    /// Sets the gauge of the oldest unsent event's age.
    fn record_oldest(&self, occurred_at: Option<DateTime<Utc>>) {
        let age = occurred_at.map(|time| self.db.environment().clock.now() - time);
        let seconds = age.map_or(0.0, |age| age.as_seconds_f64().max(0.0));
        metrics::gauge!("outbox_oldest_seconds", "service" => self.service).set(seconds);
    }

    fn count(&self, envelopes: &[Envelope]) {
        for envelope in envelopes {
            metrics::counter!("outbox_sent_total", "service" => self.service, "event" => envelope.name.clone())
                .increment(1);
        }
    }
}

/// Tries to lock the outbox of this schema for the transaction, without waiting.
async fn lock(tx: &mut PgConnection) -> Result<bool> {
    let sql = "SELECT pg_try_advisory_xact_lock(hashtextextended('outbox.' || current_schema(), 0))";
    Ok(sqlx::query_scalar(sql).fetch_one(tx).await?)
}

async fn unsent(tx: &mut PgConnection) -> Result<Vec<(i64, Envelope)>> {
    let sql = "SELECT seq, id, name, key, occurred_at, correlation_id, traceparent, data FROM outbox \
        WHERE sent_at IS NULL ORDER BY seq LIMIT $1";
    let rows = sqlx::query(sql)
        .bind(i64::try_from(BATCH_SIZE)?)
        .fetch_all(tx)
        .await?;
    rows.iter()
        .map(|row| {
            let envelope = Envelope {
                id: row.try_get::<Uuid, _>("id")?,
                name: row.try_get("name")?,
                key: row.try_get("key")?,
                occurred_at: row.try_get("occurred_at")?,
                correlation_id: row.try_get("correlation_id")?,
                traceparent: row.try_get("traceparent")?,
                data: row.try_get("data")?,
            };
            Ok((row.try_get("seq")?, envelope))
        })
        .collect()
}

/// Returns the highest id that was sent; zero when nothing was.
async fn last_sent_id(tx: &mut PgConnection) -> Result<StreamEntryId> {
    let sql = "SELECT stream_ms, stream_n FROM outbox WHERE sent_at IS NOT NULL \
        ORDER BY stream_ms DESC, stream_n DESC LIMIT 1";
    let id: Option<(i64, i64)> = sqlx::query_as(sql).fetch_optional(tx).await?;
    Ok(id.map_or_else(StreamEntryId::default, |(ms, n)| StreamEntryId { ms, n }))
}

async fn mark_sent(
    tx: &mut PgConnection,
    numbers: &[i64],
    ids: &[StreamEntryId],
    now: DateTime<Utc>,
) -> Result<()> {
    let (ms, n): (Vec<i64>, Vec<i64>) = ids.iter().map(|id| (id.ms, id.n)).unzip();
    let sql = "UPDATE outbox SET sent_at = $1, stream_ms = id.ms, stream_n = id.n \
        FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS id (seq, ms, n) WHERE outbox.seq = id.seq";
    sqlx::query(sql)
        .bind(now)
        .bind(numbers)
        .bind(ms)
        .bind(n)
        .execute(tx)
        .await?;
    Ok(())
}

/// Marks as unsent what the stream has lost.
async fn mark_unsent_after(tx: &mut PgConnection, last: StreamEntryId) -> Result<u64> {
    let sql = "UPDATE outbox SET sent_at = NULL, stream_ms = NULL, stream_n = NULL \
        WHERE sent_at IS NOT NULL AND (stream_ms, stream_n) > ($1, $2)";
    Ok(sqlx::query(sql)
        .bind(last.ms)
        .bind(last.n)
        .execute(tx)
        .await?
        .rows_affected())
}
