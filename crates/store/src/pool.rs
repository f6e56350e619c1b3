//! Pool of PostgreSQL connections without pings on the hot path.
//!
//! sqlx's own pool tests a connection when it is taken and again, unconditionally, when it comes back: two round trips for
//! each statement. Here a connection comes back untested when its last statement was answered, and one that broke while it
//! was idle is noticed by its next use: BEGIN and reads are repeated on another connection, for nothing has happened, and
//! before a single statement that writes the connection is tested. A connection whose state is unknown, because a caller
//! was cancelled, is read to the end of its replies and rolled back before it is used again.

mod connection;
mod statements;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use carshare_chassis::telemetry::pool_usage::{InUse, PoolUsage};
use metrics::{Gauge, Histogram, gauge, histogram};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::time::{Instant, sleep, timeout_at};

pub(crate) use connection::Connection;
pub(crate) use statements::{acquire_error, exec_error, query_error};

use crate::config;
use crate::connector::Connector;

/// Age at which a connection is replaced, so that settings and plans do not grow old.
const MAX_LIFETIME: Duration = Duration::from_mins(30);
/// Time after which a connection that is not needed is closed.
const IDLE_TIMEOUT: Duration = Duration::from_mins(5);
/// First delay between attempts to connect to a server that refuses connections; it doubles.
const CONNECT_RETRY_DELAY: Duration = Duration::from_millis(10);
/// Time for the server's own `statement_timeout` to arrive before a connection counts as lost.
const RESPONSE_GRACE: Duration = Duration::from_secs(2);

/// The pool of a service. As a sea-orm `ConnectionTrait` it runs each statement by itself, outside of any transaction.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    connector: Arc<Connector>,
    max_connections: u32,
    acquire_timeout: Duration,
    response_timeout: Duration,
    permits: Arc<Semaphore>,
    usage: PoolUsage,
    /// Time until a connection was there.
    acquire_seconds: Histogram,
    is_closed: AtomicBool,
    /// The database has failed since [`Pool::take_failure`].
    has_failed: AtomicBool,
    /// Number of open connections.
    open: Gauge,
    /// The connection used last is on top, so that those in excess become old.
    idle: Mutex<Vec<Idle>>,
}

/// An open connection. Dropping it closes the socket.
struct Live {
    raw: PgConnection,
    created_at: Instant,
    _counted: Counted,
}

/// Counts an open connection.
struct Counted(Gauge);

/// The right to use one connection of the pool.
struct Permit {
    _permit: OwnedSemaphorePermit,
    _in_use: InUse,
}

struct Idle {
    live: Live,
    since: Instant,
}

impl Pool {
    /// Creates an empty pool. It connects on first use.
    pub(crate) fn new(config: &config::Database, connector: Arc<Connector>) -> Self {
        Self(Arc::new(Inner {
            connector,
            max_connections: config.max_connections,
            acquire_timeout: config.acquire_timeout,
            response_timeout: config.statement_timeout + RESPONSE_GRACE,
            permits: Arc::new(Semaphore::new(config.max_connections as usize)),
            usage: PoolUsage::new("database", config.max_connections as usize),
            acquire_seconds: histogram!("db_acquire_seconds"),
            is_closed: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
            open: gauge!("db_connections"),
            idle: Mutex::default(),
        }))
    }

    /// Takes a connection: an idle one, which may have broken, or a new one.
    pub(crate) async fn acquire(&self) -> Result<Connection, sqlx::Error> {
        let begin = Instant::now();
        let acquired = self.acquire_before(begin + self.0.acquire_timeout).await;
        self.0.acquire_seconds.record(begin.elapsed().as_secs_f64());
        acquired
    }

    async fn acquire_before(&self, deadline: Instant) -> Result<Connection, sqlx::Error> {
        let permits = Arc::clone(&self.0.permits);
        let permit = match Arc::clone(&permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(TryAcquireError::Closed) => return Err(sqlx::Error::PoolClosed),
            Err(TryAcquireError::NoPermits) => timeout_at(deadline, permits.acquire_owned())
                .await
                .map_err(|_| sqlx::Error::PoolTimedOut)?
                .map_err(|_| sqlx::Error::PoolClosed)?,
        };
        if self.0.is_closed.load(Ordering::Acquire) {
            return Err(sqlx::Error::PoolClosed);
        }
        let permit = Permit {
            _permit: permit,
            _in_use: self.0.usage.take(),
        };
        let idle = self.0.idle().pop();
        Ok(match idle {
            Some(idle) => Connection::new(idle.live, &self.0, permit, true),
            None => Connection::new(self.0.connect(deadline).await?, &self.0, permit, false),
        })
    }

    /// Takes a connection that has just answered, for a statement that must not be repeated.
    pub(crate) async fn acquire_tested(&self) -> Result<Connection, sqlx::Error> {
        loop {
            let mut connection = self.acquire().await?;
            match connection.test().await {
                Err(error) if connection.was_lost_while_idle(&error) => {}
                tested => {
                    tested?;
                    return Ok(connection);
                }
            }
        }
    }

    /// Takes a connection and begins a transaction on it.
    pub(crate) async fn begin(&self) -> Result<Connection, sqlx::Error> {
        loop {
            let mut connection = self.acquire().await?;
            match connection.begin().await {
                Err(error) if connection.was_lost_while_idle(&error) => {}
                begun => {
                    begun?;
                    return Ok(connection);
                }
            }
        }
    }

    /// Refuses new statements, waits for running ones and closes every connection.
    pub(crate) async fn close(&self) {
        self.0.is_closed.store(true, Ordering::Release);
        drop(self.0.permits.acquire_many(self.0.max_connections).await);
        self.0.permits.close();
        let idle = std::mem::take(&mut *self.0.idle());
        for Idle { live, .. } in idle {
            live.raw.close().await.ok();
        }
    }

    /// Returns whether a connection was lost or refused, or a statement failed for a reason of the database, since the last
    /// call.
    pub(crate) fn take_failure(&self) -> bool {
        self.0.has_failed.swap(false, Ordering::Relaxed)
    }
}

impl Inner {
    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record_failure(&self) {
        self.has_failed.store(true, Ordering::Relaxed);
    }

    /// Connects, again and again while the server refuses connections or starts.
    async fn connect(&self, deadline: Instant) -> Result<Live, sqlx::Error> {
        let mut delay = CONNECT_RETRY_DELAY;
        loop {
            match timeout_at(deadline, self.connector.connect()).await {
                Ok(Ok(raw)) => {
                    return Ok(Live {
                        raw,
                        created_at: Instant::now(),
                        _counted: Counted::new(&self.open),
                    });
                }
                Ok(Err(error)) if !is_starting(&error) => {
                    self.record_failure();
                    return Err(error);
                }
                Ok(Err(_)) => self.record_failure(),
                Err(_) => {
                    self.record_failure();
                    return Err(sqlx::Error::PoolTimedOut);
                }
            }
            timeout_at(deadline, sleep(delay))
                .await
                .map_err(|_| sqlx::Error::PoolTimedOut)?;
            delay = (delay * 2).min(self.acquire_timeout / 5);
        }
    }

    /// Closes the idle connections: one of them was found broken, and a restart of the server breaks all.
    fn discard_idle(&self) {
        drop(std::mem::take(&mut *self.idle()));
    }

    /// Keeps a connection that is outside of any transaction and has read all replies.
    fn put_back(&self, live: Live) {
        if live.created_at.elapsed() > MAX_LIFETIME {
            return;
        }
        let mut idle = self.idle();
        let since = Instant::now();
        idle.push(Idle { live, since });
        let is_surplus = idle[0].since + IDLE_TIMEOUT < since;
        let surplus = is_surplus.then(|| idle.remove(0));
        drop(idle);
        drop(surplus);
    }
}

impl Counted {
    fn new(open: &Gauge) -> Self {
        open.increment(1.0);
        Self(open.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// Returns whether a failed attempt to connect may be followed by one that succeeds.
fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        // Too many connections, and a server that starts or stops.
        sqlx::Error::Database(error) => {
            matches!(error.code().as_deref(), Some("53300" | "57P03"))
        }
        _ => false,
    }
}
