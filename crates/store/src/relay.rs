//! Relays events: gives outbox rows their position in the log and appends them to the service's Redis Stream.
//!
//! Any replica relays: the one whose process has committed events, which needs no notification, or any other one that
//! PostgreSQL notifies, or that polls. The position is given by one statement in PostgreSQL; what is appended to Redis after
//! it is only the fast transport. A relay that dies in between, or a Redis that is unreachable, trimmed or emptied, delays events by
//! seconds: consumers read the log by position too (see [`crate::consumer`]).

use std::sync::Arc;
use std::time::Duration;

use carshare_chassis::Backoff;
use carshare_chassis::{Shutdown, config};
use redis::aio::ConnectionManager;
use sqlx::Connection as _;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use crate::connector::{Connector, is_password_refused};
use crate::db::Db;
use crate::envelope::{self, Envelope};
use crate::error::Error;
use crate::outbox::Positioned;
use crate::transaction::EVENTS_COMMITTED;

/// Rows per statement.
const BATCH_SIZE: usize = 200;
/// Longest delay of events whose process ended between their commit and their relay.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_secs(15);
/// The same while no connection listens for notifications of other processes.
const DEAF_POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Wait for further events when events came within [`BUSY_INTERVAL`]: they share a statement, a write of the log and a
/// command to Redis.
const BATCH_DELAY: Duration = Duration::from_millis(3);
const BUSY_INTERVAL: Duration = Duration::from_millis(100);
/// Approximate maximum length of the stream, which bounds Redis' memory. Consumers read what was trimmed from the log.
const STREAM_MAX_LEN: u64 = 10_000;
/// Pause between attempts to reach Redis; until then events wait for the readers of the log.
const REDIS_RETRY_DELAY: Duration = Duration::from_secs(1);
/// Time for relaying the remaining rows at shutdown.
const FINAL_FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// Relays a service's events.
pub struct Relay {
    db: Db,
    redis: config::Redis,
    service: &'static str,
    stream: String,
}

impl Relay {
    /// Creates a relay of `service`'s outbox.
    pub fn new(db: &Db, redis: &config::Redis, service: &'static str) -> Self {
        Self {
            db: db.clone(),
            redis: redis.clone(),
            service,
            stream: envelope::stream_of(service),
        }
    }

    /// Relays until `shutdown`, then once more what is left. Reconnects to PostgreSQL and Redis with backoff.
    pub async fn run(self, shutdown: Shutdown) {
        let mut stream = match self.redis.shared() {
            Ok(redis) => StreamWriter {
                redis,
                paused_until: None,
            },
            Err(error) => {
                return tracing::error!(service = self.service, error = %error, "cannot start the relay");
            }
        };
        // Counters start at zero so that the first failure shows as an increase.
        metrics::counter!("outbox_failures_total", "service" => self.service).increment(0);
        metrics::counter!("outbox_stream_failures_total", "service" => self.service).increment(0);
        let mut listener = OutboxListener::new(&self.db);
        let mut relayed_at: Option<Instant> = None;
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            match self.drain(&mut stream).await {
                Ok(events) => {
                    failures = 0;
                    if events > 0 {
                        relayed_at = Some(Instant::now());
                    }
                    tokio::select! {
                        () = listener.changed() => {}
                        () = shutdown.cancelled() => {}
                    }
                    if relayed_at.is_some_and(|at| at.elapsed() < BUSY_INTERVAL) {
                        sleep(BATCH_DELAY).await;
                    }
                }
                Err(error) => {
                    failures += 1;
                    metrics::counter!("outbox_failures_total", "service" => self.service).increment(1);
                    tracing::warn!(service = self.service, failures, error = ?error, "cannot relay events");
                    tokio::select! {
                        () = sleep(Backoff::RECONNECT.delay(failures, &self.db.environment().random)) => {}
                        () = shutdown.cancelled() => {}
                    }
                }
            }
        }
        if timeout(FINAL_FLUSH_TIMEOUT, self.drain(&mut stream))
            .await
            .is_err()
        {
            tracing::warn!(
                service = self.service,
                "events are left for another replica or the next start"
            );
        }
    }

    /// Relays all rows that have no position, and returns how many there were.
    async fn drain(&self, stream: &mut StreamWriter) -> Result<usize, Error> {
        let mut relayed = 0;
        loop {
            let events = self.db.relay_outbox(BATCH_SIZE).await?;
            for event in &events {
                let name = event.envelope.name.clone();
                metrics::counter!("outbox_sent_total", "service" => self.service, "event" => name)
                    .increment(1);
            }
            self.append(stream, &events).await;
            relayed += events.len();
            if events.len() < BATCH_SIZE {
                return Ok(relayed);
            }
        }
    }

    /// Appends events to the stream. A failure is counted and left to the readers of the log.
    async fn append(&self, stream: &mut StreamWriter, events: &[Positioned]) {
        if events.is_empty() || stream.paused_until.is_some_and(|until| Instant::now() < until) {
            return;
        }
        let envelopes = events.iter().map(|event| &event.envelope);
        if let Err(error) = stream.append(&self.stream, envelopes).await {
            stream.paused_until = Some(Instant::now() + REDIS_RETRY_DELAY);
            metrics::counter!("outbox_stream_failures_total", "service" => self.service).increment(1);
            tracing::warn!(service = self.service, events = events.len(), error = %error, "cannot append to the stream");
        }
    }
}

/// Appends to the stream while Redis is reachable.
struct StreamWriter {
    redis: ConnectionManager,
    paused_until: Option<Instant>,
}

impl StreamWriter {
    async fn append(
        &mut self,
        stream: &str,
        envelopes: impl Iterator<Item = &Envelope>,
    ) -> redis::RedisResult<()> {
        // In one transaction, so that a waiting reader gets all of them at once.
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        for envelope in envelopes {
            pipeline
                .cmd("XADD")
                .arg(stream)
                .arg(&["MAXLEN", "~"])
                .arg(STREAM_MAX_LEN)
                .arg("*")
                .arg(&envelope.fields())
                .ignore();
        }
        pipeline.query_async(&mut self.redis).await
    }
}

/// Waits for commits of this process and for notifications of others, with polling as the fallback.
struct OutboxListener {
    committed: Arc<Notify>,
    connector: Arc<Connector>,
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
            .connect_lazy_with(db.connector().options());
        Self {
            committed: db.job_signal(EVENTS_COMMITTED),
            connector: Arc::clone(db.connector()),
            pool,
            channel: None,
        }
    }

    async fn changed(&mut self) {
        let interval = if self.channel.is_some() {
            POLL_INTERVAL
        } else {
            DEAF_POLL_INTERVAL
        };
        let committed = Arc::clone(&self.committed);
        tokio::select! {
            () = sleep(interval) => {}
            () = committed.notified() => {}
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
        let mut channel = match PgListener::connect_with(&self.pool).await {
            Err(error) if is_password_refused(&error) => {
                // Finds the new password, if there is one.
                self.connector.connect().await?.close().await?;
                self.pool.set_connect_options(self.connector.options());
                PgListener::connect_with(&self.pool).await?
            }
            connected => connected?,
        };
        let schema: String = sqlx::query_scalar("SELECT current_schema()")
            .fetch_one(&mut channel)
            .await?;
        channel.listen(&format!("outbox.{schema}")).await?;
        Ok(channel)
    }
}
