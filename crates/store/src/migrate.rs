//! Bringing a service's schema up to date.

use std::borrow::Borrow;

use anyhow::{Context as _, Result, bail};
use sqlx::migrate::{Migration, Migrator};
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Executor as _};

use crate::config;
use crate::db::connect_options;

/// The tables of this crate's mechanisms: versions below [`FIRST_OF_SERVICES`].
static MECHANISMS: Migrator = sqlx::migrate!("./migrations");

/// Services number their migrations from here.
const FIRST_OF_SERVICES: i64 = 100;

/// Applies what is missing of the mechanisms' migrations, then of the service's (`sqlx::migrate!("./migrations")`, files
/// `0100_….sql` and up), in the schema that the role's search path leads to.
///
/// One at a time: others that do the same on this database wait on an advisory lock and then find nothing to do. Each
/// migration is one transaction. A release that is older than the schema leaves it as it is.
pub async fn migrate(config: &config::Database, service: impl Borrow<Migrator> + Send) -> Result<()> {
    let merged = merge(service.borrow())?;
    let mut connection = PgConnection::connect_with(&connect_options(config)?)
        .await
        .context("cannot connect to PostgreSQL")?;
    // Rewriting a table and waiting for another migrator take their time.
    connection
        .execute("SET statement_timeout = 0; SET lock_timeout = 0")
        .await?;
    let applied = merged.run_direct(None, &mut connection, false).await;
    // Closing gives the lock back, also after a failure.
    connection.close().await.ok();
    applied.context("the schema could not be migrated")
}

fn merge(service: &Migrator) -> Result<Migrator> {
    if let Some(low) = service
        .iter()
        .find(|migration| migration.version < FIRST_OF_SERVICES)
    {
        bail!(
            "migration {} of the service: its numbers begin at {FIRST_OF_SERVICES}",
            low.version
        );
    }
    let all: Vec<Migration> = MECHANISMS.iter().chain(service.iter()).cloned().collect();
    let mut merged = Migrator::with_migrations(all);
    merged.set_ignore_missing(true);
    Ok(merged)
}
