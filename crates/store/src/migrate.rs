//! Applies migrations to a service's schema.

use std::borrow::Borrow;

use anyhow::{Context as _, Result, bail};
use sqlx::migrate::{Migration, Migrator};
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Executor as _};

use crate::config;
use crate::db::connect_options;

/// The messaging tables of this crate: versions below [`FIRST_SERVICE_VERSION`].
static MESSAGING: Migrator = sqlx::migrate!("./migrations");

/// Lowest version number of a service's own migration.
const FIRST_SERVICE_VERSION: i64 = 100;

/// Applies the missing migrations of this crate, then those of the service (`sqlx::migrate!("./migrations")`, files
/// `0100_….sql` and up), in the schema that the role's search path leads to.
///
/// Concurrent callers wait on an advisory lock and then find nothing to do. Each migration is one transaction. A release
/// that is older than the schema leaves it unchanged.
pub async fn migrate(config: &config::Database, service: impl Borrow<Migrator> + Send) -> Result<()> {
    let merged = merge(service.borrow())?;
    let mut connection = PgConnection::connect_with(&connect_options(config)?)
        .await
        .context("cannot connect to PostgreSQL")?;
    // Rewriting a table and waiting for another migrator may exceed the normal timeouts.
    connection
        .execute("SET statement_timeout = 0; SET lock_timeout = 0")
        .await?;
    let applied = merged.run_direct(None, &mut connection, false).await;
    // Closing releases the lock, also after a failure.
    connection.close().await.ok();
    applied.context("the schema could not be migrated")
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
