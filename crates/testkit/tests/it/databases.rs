//! Databases of tests: migrated once, isolated from one another and from other roles.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;
use carshare_testkit::{Database, redis_url};
use sqlx::{Connection, Executor, PgConnection};

static MIGRATIONS: AtomicU32 = AtomicU32::new(0);

async fn migrate(url: String) -> Result<()> {
    MIGRATIONS.fetch_add(1, Ordering::SeqCst);
    let mut connection = PgConnection::connect(&url).await?;
    connection
        .execute("CREATE TABLE cars (plate text PRIMARY KEY, parked point, at tstzrange)")
        .await?;
    connection
        .execute("ALTER TABLE cars ADD EXCLUDE USING gist (plate WITH =, at WITH &&)")
        .await?;
    Ok(connection.close().await?)
}

#[tokio::test]
async fn databases_are_migrated_once_and_isolated() {
    let (one, two) = tokio::join!(
        Database::create("vehicle", migrate),
        Database::create("vehicle", migrate)
    );
    assert_eq!(MIGRATIONS.load(Ordering::SeqCst), 1);
    let mut connection = PgConnection::connect(&one.url()).await.unwrap();
    connection
        .execute("INSERT INTO cars (plate) VALUES ('12가3456')")
        .await
        .unwrap();
    let mut connection = PgConnection::connect(&two.url()).await.unwrap();
    let cars: i64 = sqlx::query_scalar("SELECT count(*) FROM cars")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(cars, 0);
}

#[tokio::test]
async fn role_is_refused_in_other_schemas() {
    let migrate_both = async |urls: Vec<String>| {
        let mut connection = PgConnection::connect(&urls[0]).await?;
        connection.execute("CREATE TABLE secrets ()").await?;
        anyhow::Ok(connection.close().await?)
    };
    let database = Database::create_many(&["auth", "booking"], migrate_both).await;
    let mut booking = PgConnection::connect(&database.url_of("booking")).await.unwrap();
    for (statement, refusal) in [
        ("SELECT * FROM auth.secrets", "permission denied for schema auth"),
        ("CREATE TABLE auth.mine ()", "permission denied for schema auth"),
        (
            "CREATE TABLE public.mine ()",
            "permission denied for schema public",
        ),
        ("CREATE SCHEMA mine", "permission denied for database"),
    ] {
        let refused = booking.execute(statement).await.unwrap_err().to_string();
        assert!(refused.contains(refusal), "{statement}: {refused}");
    }
}

#[tokio::test]
async fn redis_url_returns_distinct_empty_databases() {
    let (one, two) = (redis_url().await, redis_url().await);
    assert_ne!(one, two);
    for url in [one, two] {
        let mut connection = redis::Client::open(url)
            .unwrap()
            .get_multiplexed_async_connection()
            .await
            .unwrap();
        let size: i64 = redis::cmd("DBSIZE").query_async(&mut connection).await.unwrap();
        assert_eq!(size, 0);
        redis::cmd("SET")
            .arg("k")
            .arg("v")
            .query_async::<()>(&mut connection)
            .await
            .unwrap();
    }
}
