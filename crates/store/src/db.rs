//! The connection pool of a service's database role.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, PoisonError};

use carshare_chassis::Environment;
use carshare_chassis::pagination::PageTokenKey;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use tokio::sync::{Notify, OnceCell};
use tokio::time::Instant;
use uuid::Uuid;

use crate::config;
use crate::connector::Connector;
use crate::error::Error;
use crate::metrics;
use crate::pool::Pool;

/// A service's database. Cheap to clone.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    pool: Pool,
    connector: Arc<Connector>,
    environment: Environment,
    instance: Uuid,
    clock_ahead_ms: AtomicI64,
    written_at: Mutex<Option<Instant>>,
    job_signals: Mutex<HashMap<&'static str, Arc<Notify>>>,
    page_token_key: OnceCell<PageTokenKey>,
}

impl Db {
    /// Creates the pool. It connects on first use, so a service starts while PostgreSQL is unreachable. The error is an
    /// invalid URL.
    pub fn connect(config: &config::Database, environment: Environment) -> anyhow::Result<Self> {
        metrics::describe();
        let connector = Arc::new(Connector::new(config)?);
        let pool = Pool::new(config, Arc::clone(&connector));
        let instance = environment.ids.next();
        Ok(Self(Arc::new(Inner {
            pool,
            connector,
            environment,
            instance,
            clock_ahead_ms: AtomicI64::default(),
            written_at: Mutex::default(),
            job_signals: Mutex::default(),
            page_token_key: OnceCell::new(),
        })))
    }

    /// Returns the pool as a sea-orm connection: each statement runs by itself, outside of any transaction.
    pub fn conn(&self) -> &Pool {
        &self.0.pool
    }

    /// Waits for running statements, then closes every connection.
    pub async fn close(&self) {
        self.0.pool.close().await;
    }

    /// Returns the injected clock, ids and randomness.
    pub fn environment(&self) -> &Environment {
        &self.0.environment
    }

    /// Returns the key of the service's page tokens. It is read once by a process.
    pub async fn page_token_key(&self) -> Result<&PageTokenKey, Error> {
        let read = async || {
            let sql = "SELECT key FROM page_token_key";
            let statement = Statement::from_string(DbBackend::Postgres, sql);
            let row = self.conn().query_one_raw(statement).await?;
            let row = row.ok_or_else(|| Error::Internal(anyhow::anyhow!("page_token_key is empty")))?;
            let key: Vec<u8> = row.try_get_by_index(0)?;
            Ok(PageTokenKey::new(&key))
        };
        self.0.page_token_key.get_or_try_init(read).await
    }

    /// Returns the signal that runs the job `name` of this process. A signal sent before the job waits for it is kept;
    /// several count as one.
    pub(crate) fn job_signal(&self, name: &'static str) -> Arc<Notify> {
        let mut signals = self.0.job_signals.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(signals.entry(name).or_default())
    }

    /// Milliseconds by which the machine's clock was ahead of PostgreSQL's at the last comparison.
    pub(crate) fn clock_ahead_ms(&self) -> &AtomicI64 {
        &self.0.clock_ahead_ms
    }

    /// Returns when the database last took a write of `check_writable`.
    pub(crate) fn written_at(&self) -> Option<Instant> {
        *self.0.written_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_written_at(&self, at: Instant) {
        *self.0.written_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    /// Reads the URL again from `file`, if there is one, when PostgreSQL refuses the password.
    pub fn reload_url_from(&self, file: Option<PathBuf>) {
        if let Some(file) = file {
            self.0.connector.set_file(file);
        }
    }

    /// Returns what opens connections outside the pool.
    pub(crate) fn connector(&self) -> &Arc<Connector> {
        &self.0.connector
    }

    /// Returns the id of this process: its name in consumer groups.
    pub(crate) fn instance(&self) -> Uuid {
        self.0.instance
    }
}
