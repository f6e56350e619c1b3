//! One batch: read under the lock, sent, marked as sent, in one transaction.

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use redis::aio::ConnectionManager;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::append::{Appended, Place, append};
use super::{BATCH, KEPT_ENTRIES, Relay};
use crate::envelope::Envelope;

/// How a batch went.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// There may be more to send.
    More,
    /// Nothing is left, or another relay is at it.
    All,
}

impl Relay {
    /// Sends the oldest unsent rows.
    ///
    /// The transaction stays open while Redis answers, which the connection's reply timeout bounds; it holds no lock that
    /// anybody but relays wants.
    pub(super) async fn send_batch(&self, redis: ConnectionManager) -> Result<Sent> {
        let mut tx = self.db.pool().begin().await.context("PostgreSQL is away")?;
        if !lock(&mut tx).await? {
            return Ok(Sent::All);
        }
        let rows = unsent(&mut tx).await?;
        self.show_oldest(rows.first().map(|(_, oldest)| oldest.occurred_at));
        if rows.is_empty() && !self.must_verify() {
            return Ok(Sent::All);
        }
        let (numbers, envelopes): (Vec<i64>, Vec<Envelope>) = rows.into_iter().unzip();
        let known = last_place(&mut tx).await?;
        let appended = append(redis, &self.stream, known, KEPT_ENTRIES, &envelopes)
            .await
            .context("Redis is away")?;
        let sent = match appended {
            Appended::At(places) => {
                mark_sent(&mut tx, &numbers, &places, self.db.environment().clock.now()).await?;
                self.count(&envelopes);
                if numbers.len() == BATCH {
                    Sent::More
                } else {
                    Sent::All
                }
            }
            Appended::Behind(last) => {
                let again = unsend_after(&mut tx, last).await?;
                metrics::counter!("outbox_sent_again_total", "service" => self.service).increment(again);
                tracing::warn!(
                    service = self.service,
                    events = again,
                    "Redis lost events, they are sent again"
                );
                Sent::More
            }
        };
        tx.commit().await.context("PostgreSQL is away")?;
        self.verified();
        Ok(sent)
    }

    /// How long the oldest unsent event has waited: the gauge to alert on.
    fn show_oldest(&self, occurred_at: Option<DateTime<Utc>>) {
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

/// One relay of the schema at a time. Not waiting: whoever has the lock sends what we would have.
async fn lock(tx: &mut PgConnection) -> Result<bool> {
    let sql = "SELECT pg_try_advisory_xact_lock(hashtextextended('outbox.' || current_schema(), 0))";
    Ok(sqlx::query_scalar(sql).fetch_one(tx).await?)
}

async fn unsent(tx: &mut PgConnection) -> Result<Vec<(i64, Envelope)>> {
    let sql = "SELECT seq, id, name, key, occurred_at, correlation_id, traceparent, data FROM outbox \
        WHERE sent_at IS NULL ORDER BY seq LIMIT $1";
    let rows = sqlx::query(sql).bind(i64::try_from(BATCH)?).fetch_all(tx).await?;
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

/// The furthest place of what was sent; the beginning when nothing was.
async fn last_place(tx: &mut PgConnection) -> Result<Place> {
    let sql = "SELECT stream_ms, stream_n FROM outbox WHERE sent_at IS NOT NULL \
        ORDER BY stream_ms DESC, stream_n DESC LIMIT 1";
    let place: Option<(i64, i64)> = sqlx::query_as(sql).fetch_optional(tx).await?;
    Ok(place.map_or_else(Place::default, |(ms, n)| Place { ms, n }))
}

async fn mark_sent(
    tx: &mut PgConnection,
    numbers: &[i64],
    places: &[Place],
    now: DateTime<Utc>,
) -> Result<()> {
    let (ms, n): (Vec<i64>, Vec<i64>) = places.iter().map(|place| (place.ms, place.n)).unzip();
    let sql = "UPDATE outbox SET sent_at = $1, stream_ms = place.ms, stream_n = place.n \
        FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS place (seq, ms, n) WHERE outbox.seq = place.seq";
    sqlx::query(sql)
        .bind(now)
        .bind(numbers)
        .bind(ms)
        .bind(n)
        .execute(tx)
        .await?;
    Ok(())
}

/// Makes unsent again what the stream does not hold any more.
async fn unsend_after(tx: &mut PgConnection, last: Place) -> Result<u64> {
    let sql = "UPDATE outbox SET sent_at = NULL, stream_ms = NULL, stream_n = NULL \
        WHERE sent_at IS NOT NULL AND (stream_ms, stream_n) > ($1, $2)";
    Ok(sqlx::query(sql)
        .bind(last.ms)
        .bind(last.n)
        .execute(tx)
        .await?
        .rows_affected())
}
