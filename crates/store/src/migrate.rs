//! Applies migrations to a service's schema, and checks that they were applied.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use carshare_chassis::Shutdown;
use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, Statement};
use sqlx::migrate::{MigrateError, Migration, Migrator};
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Executor as _};
use tokio::time::{Instant, sleep};

use crate::config;
use crate::connector::connect_options;
use crate::db::Db;
use crate::error::Error;

/// The messaging tables of this crate: versions below [`FIRST_SERVICE_VERSION`].
static MESSAGING: Migrator = sqlx::migrate!("./migrations");

/// Lowest version number of a service's own migration.
const FIRST_SERVICE_VERSION: i64 = 100;

/// Longest wait of a migration for a lock. Statements of running processes that need the table wait behind it meanwhile.
const LOCK_TIMEOUT: &str = "2s";
/// Time in which a migration that did not get its locks is tried again.
const RETRY_LIMIT: Duration = Duration::from_mins(10);
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// SQLSTATE `lock_not_available`.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Applies the missing migrations of this crate, then those of the service (`sqlx::migrate!("./migrations")`, files
/// `0100_….sql` and up), in the schema that the role's search path leads to.
///
/// Concurrent callers wait on an advisory lock and then find nothing to do. Each migration is one transaction, unless its first
/// line is `-- no-transaction`. One that waits for a lock for two seconds lets others pass and is tried again, for ten minutes. A
/// release that is older than the schema leaves it unchanged.
pub async fn migrate(config: &config::Database, service: impl Borrow<Migrator> + Send) -> Result<()> {
    let merged = merge(service.borrow())?;
    let mut connection = PgConnection::connect_with(&connect_options(config)?)
        .await
        .context("cannot connect to PostgreSQL")?;
    // Rewriting a table may exceed the normal timeout.
    let timeouts = format!("SET statement_timeout = 0; SET lock_timeout = '{LOCK_TIMEOUT}'");
    connection.execute(sqlx::AssertSqlSafe(timeouts)).await?;
    let end = Instant::now() + RETRY_LIMIT;
    let applied = loop {
        match merged.run_direct(None, &mut connection, false).await {
            Err(error) if has_code(&error, LOCK_NOT_AVAILABLE) && Instant::now() < end => {
                sleep(RETRY_DELAY).await;
            }
            applied => break applied,
        }
    };
    // Closing releases the lock, also after a failure.
    connection.close().await.ok();
    applied.context("the schema could not be migrated")
}

/// Returns whether PostgreSQL refused a migration, or the lock of all, with this SQLSTATE.
fn has_code(error: &MigrateError, code: &str) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(sqlx::Error::Database(refusal)) = error.downcast_ref() {
            return refusal.code().as_deref() == Some(code);
        }
        next = error.source();
    }
    false
}

/// Interval at which an unreachable database is asked again.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

impl Db {
    /// Waits until the database is reachable and returns whether the schema has every migration of this release; later ones are
    /// those of a newer release. Returns `false` if `shutdown` fires first.
    ///
    /// # Errors
    /// The first missing migration.
    pub(crate) async fn has_schema(&self, service: &Migrator, shutdown: &Shutdown) -> Result<bool> {
        let merged = merge(service)?;
        loop {
            match self.applied_migrations().await {
                Ok(applied) => {
                    let missing = merged
                        .iter()
                        .find(|migration| !applied.contains(&migration.version));
                    return match missing {
                        None => Ok(true),
                        Some(Migration {
                            version, description, ..
                        }) => Err(anyhow!(
                            "the schema lacks migration {version} ({description}): run the command `migrate` of this release first"
                        )),
                    };
                }
                Err(Error::Unavailable(_)) => tokio::select! {
                    () = sleep(CHECK_INTERVAL) => {}
                    () = shutdown.cancelled() => return Ok(false),
                },
                Err(error) => {
                    return Err(error).context(
                        "the migrations of the schema cannot be read: was the command `migrate` run?",
                    );
                }
            }
        }
    }

    async fn applied_migrations(&self) -> Result<BTreeSet<i64>, Error> {
        let sql = "SELECT version FROM _sqlx_migrations WHERE success";
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        let rows = self.conn().query_all_raw(statement).await?;
        let versions = rows.iter().map(|row| row.try_get_by_index(0));
        Ok(versions.collect::<Result<_, DbErr>>()?)
    }
}

fn merge(service: &Migrator) -> Result<Migrator> {
    if let Some(low) = service
        .iter()
        .find(|migration| migration.version < FIRST_SERVICE_VERSION)
    {
        bail!(
            "migration {} of the service: its numbers begin at {FIRST_SERVICE_VERSION}",
            low.version
        );
    }
    let all: Vec<Migration> = MESSAGING.iter().chain(service.iter()).cloned().collect();
    let mut merged = Migrator::with_migrations(all);
    merged.set_ignore_missing(true);
    Ok(merged)
}
