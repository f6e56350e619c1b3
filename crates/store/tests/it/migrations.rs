//! Schemas: migrated once by whoever comes first, closed to everybody else.

use std::time::Duration;

use carshare_store::config;
use carshare_testkit::{Database, eventually_true};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::harness::migrate;

const TIMEOUT: Duration = Duration::from_secs(30);

fn one(version: i64, sql: &'static str) -> Migrator {
    let migration = Migration::new(
        version,
        "test".into(),
        MigrationType::Simple,
        sqlx::SqlStr::from_static(sql),
        false,
    );
    Migrator::with_migrations(vec![migration])
}

/// A database with an empty schema for each role.
async fn empty() -> Database {
    Database::create_many(&["store_test", "store_other"], async |_| Ok(())).await
}

#[tokio::test]
async fn concurrent_migrations_apply_once() {
    let database = empty().await;
    let results = futures::future::join_all((0..4).map(|_| migrate(database.url()))).await;
    for result in results {
        result.unwrap();
    }
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    let applied: Vec<i64> = sqlx::query_scalar("SELECT version FROM _sqlx_migrations ORDER BY version")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(applied, [1, 2, 3, 100]);
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT tablename::text FROM pg_tables WHERE schemaname = 'store_test' ORDER BY tablename",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(
        tables,
        [
            "_sqlx_migrations",
            "effects",
            "event_sequences",
            "idempotency",
            "inbox",
            "inbox_cursors",
            "inbox_positions",
            "outbox",
            "outbox_readers",
            "page_token_key",
            "processes",
            "rooms",
            "schedules",
            "stays",
            "tasks"
        ]
    );
}

#[tokio::test]
async fn role_cannot_read_another_schema() {
    let database = empty().await;
    migrate(database.url()).await.unwrap();
    let mut other = PgConnection::connect(&database.url_of("store_other"))
        .await
        .unwrap();
    for sql in [
        "SELECT * FROM store_test.outbox",
        "DELETE FROM store_test.rooms",
        "CREATE TABLE store_test.mine ()",
    ] {
        let refused = other.execute(sql).await.unwrap_err().to_string();
        assert!(
            refused.contains("permission denied for schema store_test"),
            "{sql}: {refused}"
        );
    }
}

#[tokio::test]
async fn failed_migration_is_rolled_back_and_repeatable() {
    let database = empty().await;
    let config = config::Database::at(database.url());
    let broken = carshare_store::migrate(&config, one(100, "CREATE TABLE half (); SELECT 1 / 0")).await;
    assert!(format!("{:#}", broken.unwrap_err()).contains("division by zero"));
    carshare_store::migrate(&config, one(100, "CREATE TABLE half ()"))
        .await
        .unwrap();
}

#[tokio::test]
async fn older_release_leaves_a_newer_schema_unchanged() {
    let database = empty().await;
    let config = config::Database::at(database.url());
    let newer = Migrator::with_migrations(
        [one(100, "SELECT 1"), one(101, "SELECT 2")]
            .iter()
            .flat_map(Migrator::iter)
            .cloned()
            .collect(),
    );
    carshare_store::migrate(&config, newer).await.unwrap();
    carshare_store::migrate(&config, one(100, "SELECT 1"))
        .await
        .unwrap();
}

#[tokio::test]
async fn migration_that_waits_for_a_lock_lets_others_pass_and_is_tried_again() {
    let database = empty().await;
    let config = config::Database::at(database.url());
    let create = one(100, "CREATE TABLE cars ()");
    carshare_store::migrate(&config, &create).await.unwrap();
    let url = database.url();
    let connect = || PgConnection::connect(&url);
    let (mut holder, mut reader) = tokio::try_join!(connect(), connect()).unwrap();
    holder.execute("BEGIN; SELECT FROM cars").await.unwrap();

    let alter = one(101, "ALTER TABLE cars ADD COLUMN year integer");
    let both = Migrator::with_migrations(create.iter().chain(alter.iter()).cloned().collect());
    let migrating = carshare_store::migrate(&config, both);
    let reading = async {
        let waits = "SELECT FROM pg_locks WHERE relation = 'cars'::regclass AND NOT granted";
        eventually_true(TIMEOUT, async || {
            let mut other = connect().await.unwrap();
            !other.fetch_all(waits).await.unwrap().is_empty()
        })
        .await;
        // Behind the migration, which waits for the holder.
        reader.execute("SELECT FROM cars").await.unwrap();
        holder.execute("COMMIT").await.unwrap();
    };
    let (migrated, ()) = tokio::join!(migrating, reading);
    migrated.unwrap();
    reader.execute("SELECT year FROM cars").await.unwrap();
}

#[tokio::test]
async fn rejects_a_modified_migration() {
    let database = empty().await;
    let config = config::Database::at(database.url());
    carshare_store::migrate(&config, one(100, "SELECT 1"))
        .await
        .unwrap();
    let refused = carshare_store::migrate(&config, one(100, "SELECT 2"))
        .await
        .unwrap_err();
    assert!(format!("{refused:#}").contains("100"), "{refused:#}");
}

#[tokio::test]
async fn numbers_below_100_belong_to_the_mechanisms() {
    let config = config::Database::at("postgres://nobody@127.0.0.1:1/none");
    let refused = carshare_store::migrate(&config, one(2, "SELECT 1"))
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "migration 2 of the service: its numbers begin at 100"
    );
}
