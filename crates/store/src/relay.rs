//! Relays events from the outbox to the service's Redis Stream: at least once, in order per key.
//!
//! One relay of a service sends at a time: each batch holds an advisory lock for its transaction, which keeps the order;
//! relays that shared the rows by `SKIP LOCKED` would overtake each other. A relay that dies between sending and commit
//! leaves rows that are sent again in the same order; consumers recognise them by their ids.
//!
//! The outbox is the source of truth: rows know the id of their stream entry, and a stream that ends before that id (flushed,
//! restarted without its newest writes, failed over to an older copy) gets them again.

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

/// Rows per batch.
const BATCH_SIZE: usize = 200;
/// Upper bound of the delay when a notification is lost with its connection.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How often an idle relay verifies that Redis still has what was sent.
const VERIFY_INTERVAL: Duration = Duration::from_secs(5);
/// Approximate maximum length of the stream: a consumer that is away for longer misses events.
const STREAM_MAX_LEN: u64 = 100_000;
/// Time for sending the remaining rows at shutdown.
const FINAL_FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// Sends a service's events to its stream.
pub struct Relay {
    db: Db,
    redis: config::Redis,
    service: &'static str,
    stream: String,
    /// When the stream was last verified to hold what was sent.
    verified_at: Mutex<Option<Instant>>,
}

impl Relay {
    /// Creates the relay of `service`'s outbox.
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

    /// Sends until `shutdown`, then once more what is left. Reconnects to PostgreSQL and Redis with backoff.
    pub async fn run(self, shutdown: Shutdown) {
        let redis = match self.redis.shared() {
            Ok(redis) => redis,
            Err(error) => {
                return tracing::error!(service = self.service, error = %error, "cannot start the relay");
            }
        };
        // Counters start at zero so that the first failure shows as an increase.
        metrics::counter!("outbox_failures_total", "service" => self.service).increment(0);
        let mut listener = OutboxListener::new(&self.db);
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            match self.drain(&redis).await {
                Ok(()) => {
                    failures = 0;
                    tokio::select! {
                        () = listener.changed() => {}
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
                        "cannot send events"
                    );
                    tokio::select! {
                        () = sleep(Backoff::RECONNECT.delay(failures, &self.db.environment().random)) => {}
                        () = shutdown.cancelled() => {}
                    }
                }
            }
        }
        if timeout(FINAL_FLUSH_TIMEOUT, self.drain(&redis)).await.is_err() {
            tracing::warn!(
                service = self.service,
                "unsent events are left for the next start"
            );
        }
    }

    /// Returns whether the stream is to be verified although there is nothing to send.
    fn must_verify(&self) -> bool {
        let verified_at = *self.verified_at.lock().unwrap_or_else(PoisonError::into_inner);
        verified_at.is_none_or(|at| at.elapsed() >= VERIFY_INTERVAL)
    }

    fn verified(&self) {
        *self.verified_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Sends all unsent rows. Returns at once when another relay holds the lock.
    async fn drain(&self, redis: &ConnectionManager) -> anyhow::Result<()> {
        while self.send_batch(redis.clone()).await? == Sent::More {}
        Ok(())
    }
}

/// Waits for notifications of the outbox, with polling as the fallback.
struct OutboxListener {
    pool: sqlx::PgPool,
    channel: Option<PgListener>,
}

impl OutboxListener {
    /// One connection outside the service's pool: it is never given back.
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
            () = sleep(POLL_INTERVAL) => {}
            () = self.notified() => {}
        }
    }

    /// Returns at a notification, and when listening has just begun: rows may have come before.
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
            // Polling goes on meanwhile.
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
