//! Outbox → Redis Stream: at least once, in order for each key.
//!
//! One relay of a service sends at a time: each batch holds an advisory lock for its transaction. That is what keeps the
//! order; relays that shared the rows by `SKIP LOCKED` would overtake each other. A relay that dies after sending and
//! before its commit leaves rows that are sent again, in the same order, so the first arrivals are still in order and
//! consumers know the rest by their ids.
//!
//! Redis is only the way, the outbox is the truth: rows know their place in the stream, and a stream that is behind that
//! place (wiped, restarted without its newest writes, failed over to an older copy) gets them again.

mod append;
mod batch;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use carshare_chassis::{Shutdown, config};
use redis::aio::ConnectionManager;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::time::{Instant, sleep, timeout};

use crate::backoff::Backoff;
use crate::db::Db;
use crate::envelope;
use batch::Sent;

/// Rows of one batch.
const BATCH: usize = 200;
/// A notification can be lost with its connection; nothing waits longer than this for it.
const POLL: Duration = Duration::from_secs(1);
/// How often an idle relay looks whether Redis still has what was sent.
const VERIFY: Duration = Duration::from_secs(5);
/// Entries a stream keeps, about: consumers that are away longer than this lasts miss events.
const KEPT_ENTRIES: u64 = 100_000;
/// What is left to send at shutdown may take this long.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Sends a service's events.
pub struct Relay {
    db: Db,
    redis: config::Redis,
    service: &'static str,
    stream: String,
    /// When the stream was last seen to hold what was sent.
    verified_at: Mutex<Option<Instant>>,
}

impl Relay {
    /// The relay of `service`'s outbox.
    pub fn new(db: &Db, redis: &config::Redis, service: &'static str) -> Self {
        let stream = envelope::events_of(service);
        Self {
            db: db.clone(),
            redis: redis.clone(),
            service,
            stream,
            verified_at: Mutex::new(None),
        }
    }

    /// Sends until `shutdown`, then once more what is left. Outages of PostgreSQL and Redis are waited out.
    pub async fn run(self, shutdown: Shutdown) {
        let redis = match self.redis.shared() {
            Ok(redis) => redis,
            Err(error) => return tracing::error!(service = self.service, error = %error, "no relay"),
        };
        // A counter that appears with its first failure shows no increase.
        metrics::counter!("outbox_failures_total", "service" => self.service).increment(0);
        let mut bell = OutboxListener::new(&self.db);
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            match self.drain(&redis).await {
                Ok(()) => {
                    failures = 0;
                    tokio::select! {
                        () = bell.changed() => {}
                        () = shutdown.cancelled() => {}
                    }
                }
                Err(error) => {
                    failures += 1;
                    metrics::counter!("outbox_failures_total", "service" => self.service).increment(1);
                    tracing::warn!(
                        service = self.service,
                        failures,
                        error = format!("{error:#}"),
                        "events not sent"
                    );
                    tokio::select! {
                        () = sleep(Backoff::RECONNECT.delay(failures, &self.db.environment().random)) => {}
                        () = shutdown.cancelled() => {}
                    }
                }
            }
        }
        if timeout(LAST_WORDS, self.drain(&redis)).await.is_err() {
            tracing::warn!(service = self.service, "events left for the next start");
        }
    }

    /// Whether it is time to look at the stream although there is nothing to send.
    fn must_verify(&self) -> bool {
        let verified_at = *self.verified_at.lock().unwrap_or_else(PoisonError::into_inner);
        verified_at.is_none_or(|at| at.elapsed() >= VERIFY)
    }

    fn verified(&self) {
        *self.verified_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Sends everything that waits. Nothing to do counts as done when another relay is at it.
    async fn drain(&self, redis: &ConnectionManager) -> anyhow::Result<()> {
        while self.send_batch(redis.clone()).await? == Sent::More {}
        Ok(())
    }
}

/// Tells when there may be something to send: a notification, or time to look anyway.
struct OutboxListener {
    pool: sqlx::PgPool,
    channel: Option<PgListener>,
}

impl OutboxListener {
    /// One connection beside the pool: it is never given back.
    fn new(db: &Db) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(3))
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_lazy_with(db.options().clone());
        Self { pool, channel: None }
    }

    async fn changed(&mut self) {
        tokio::select! {
            () = sleep(POLL) => {}
            () = self.notified() => {}
        }
    }

    /// Returns at a notification, and when it has just begun to listen: something may have come before.
    async fn notified(&mut self) {
        if let Some(channel) = &mut self.channel {
            match channel.recv().await {
                Ok(_) => while channel.next_buffered().is_some() {},
                Err(_) => self.channel = None,
            }
            return;
        }
        match self.listen().await {
            Ok(channel) => self.channel = Some(channel),
            // The poll goes on meanwhile.
            Err(_) => std::future::pending().await,
        }
    }

    async fn listen(&self) -> Result<PgListener, sqlx::Error> {
        let mut channel = PgListener::connect_with(&self.pool).await?;
        let schema: String = sqlx::query_scalar("SELECT current_schema()")
            .fetch_one(&mut channel)
            .await?;
        channel.listen(&format!("outbox.{schema}")).await?;
        Ok(channel)
    }
}
