//! Private servers: start, crash, restart, persistence and the end with their process.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Result;
use carshare_devservers::{PrivatePostgres, PrivateRedis, ServerOptions, TempDir};
use carshare_testkit::{eventually, eventually_true};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

const TIMEOUT: Duration = Duration::from_secs(20);

async fn query(url: &str, sql: &'static str) -> Result<i64> {
    let mut connection = PgConnection::connect(url).await?;
    let value: i64 = sqlx::query_scalar(sql).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(value)
}

#[tokio::test]
async fn postgres_recovers_committed_rows_after_a_crash() {
    let server = PrivatePostgres::start(ServerOptions::temporary()).await.unwrap();
    let url = server.admin_url();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("CREATE TABLE kept AS SELECT 7::bigint AS n")
        .execute(&mut connection)
        .await
        .unwrap();
    server.kill().await.unwrap();
    assert!(query(&url, "SELECT n FROM kept").await.is_err());
    server.restart().await.unwrap();
    assert_eq!(query(&url, "SELECT n FROM kept").await.unwrap(), 7);
    server.stop().await;
}

#[tokio::test]
async fn full_small_disk_fails_writes_until_there_is_space() {
    let options = ServerOptions::temporary().with_small_disk(32);
    let server = PrivatePostgres::start(options).await.unwrap();
    let mut connection = PgConnection::connect(&server.admin_url()).await.unwrap();
    let disk = server.small_disk().display().to_string();
    let mut run = async |sql: String| {
        let ran = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await;
        ran.map_err(|error| {
            error
                .as_database_error()
                .and_then(sqlx::error::DatabaseError::code)
                .unwrap()
                .into_owned()
        })
    };
    run(format!("CREATE TABLESPACE small LOCATION '{disk}'"))
        .await
        .unwrap();
    run("CREATE TABLE rows (text text) TABLESPACE small".to_owned())
        .await
        .unwrap();
    let insert = || "INSERT INTO rows SELECT repeat('x', 1000) FROM generate_series(1, 100)".to_owned();
    run(insert()).await.unwrap();

    let fill = format!("COPY (SELECT 1) TO PROGRAM 'cat /dev/zero > {disk}/ballast 2>/dev/null || true'");
    run(fill).await.unwrap();
    assert_eq!(run(insert()).await.unwrap_err(), "53100");
    run(format!("COPY (SELECT 1) TO PROGRAM 'rm {disk}/ballast'"))
        .await
        .unwrap();
    run(insert()).await.unwrap();
    server.stop().await;
    assert!(!Path::new(&disk).exists());
}

#[tokio::test]
async fn temporary_server_removes_its_folder_when_stopped() {
    let server = PrivateRedis::start(ServerOptions::temporary()).await.unwrap();
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let (_, folder): (String, String) = redis::cmd("CONFIG")
        .arg("GET")
        .arg("dir")
        .query_async(&mut connection)
        .await
        .unwrap();
    assert!(Path::new(&folder).exists());
    server.stop().await;
    assert!(!Path::new(&folder).exists());
}

#[tokio::test]
async fn persistent_servers_keep_their_data_between_runs() {
    let folder = TempDir::create("persistent").unwrap();
    let (postgres_dir, redis_dir) = (folder.path().join("postgres"), folder.path().join("redis"));
    for round in 0..2 {
        let postgres = PrivatePostgres::start(ServerOptions::persistent(&postgres_dir))
            .await
            .unwrap();
        let redis = PrivateRedis::start(ServerOptions::persistent(&redis_dir))
            .await
            .unwrap();
        let mut connection = PgConnection::connect(&postgres.admin_url()).await.unwrap();
        sqlx::raw_sql("CREATE TABLE IF NOT EXISTS rounds (); ALTER TABLE rounds ADD COLUMN IF NOT EXISTS n int; INSERT INTO rounds DEFAULT VALUES")
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        assert_eq!(
            query(&postgres.admin_url(), "SELECT count(*) FROM rounds")
                .await
                .unwrap(),
            round + 1
        );
        assert_eq!(
            query(
                &postgres.admin_url(),
                "SELECT (setting = 'on')::int::bigint FROM pg_settings WHERE name = 'fsync'"
            )
            .await
            .unwrap(),
            1
        );
        let client = redis::Client::open(redis.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let count: i64 = redis::cmd("INCR")
            .arg("rounds")
            .query_async(&mut connection)
            .await
            .unwrap();
        assert_eq!(count, round + 1);
        // The second round drops the servers instead: the supervisors stop them.
        if round == 0 {
            postgres.stop().await;
            redis.stop().await;
        }
    }
    let lock = postgres_dir.join("data/postmaster.pid");
    eventually_true(TIMEOUT, || async { !lock.exists() }).await;
}

#[tokio::test]
async fn servers_refuse_clients_without_their_password() {
    let postgres = PrivatePostgres::start(ServerOptions::temporary()).await.unwrap();
    let redis = PrivateRedis::start(ServerOptions::temporary()).await.unwrap();
    assert_refused(&postgres).await;
    for url in [
        format!("redis://127.0.0.1:{}/0", redis.port()),
        format!("redis://:wrong@127.0.0.1:{}/0", redis.port()),
    ] {
        let client = redis::Client::open(url).unwrap();
        let pong = match client.get_multiplexed_async_connection().await {
            Ok(mut connection) => redis::cmd("PING").query_async::<String>(&mut connection).await,
            Err(error) => Err(error),
        };
        assert!(pong.is_err(), "{pong:?}");
    }
    postgres.stop().await;
    redis.stop().await;
}

/// Asserts that PostgreSQL admits its superuser with the password only.
async fn assert_refused(server: &PrivatePostgres) {
    assert_eq!(query(&server.admin_url(), "SELECT 1::bigint").await.unwrap(), 1);
    for user in ["postgres", "postgres:wrong", "postgres:postgres"] {
        let url = format!("postgres://{user}@127.0.0.1:{}/postgres", server.port());
        assert!(PgConnection::connect(&url).await.is_err(), "{user}");
    }
}

#[tokio::test]
async fn data_without_a_password_gets_one() {
    let folder = TempDir::create("unprotected").unwrap();
    let options = || ServerOptions::persistent(folder.path().join("postgres"));
    let server = PrivatePostgres::start(options()).await.unwrap();
    let mut connection = PgConnection::connect(&server.admin_url()).await.unwrap();
    sqlx::raw_sql("CREATE TABLE kept AS SELECT 7::bigint AS n; ALTER ROLE postgres PASSWORD NULL")
        .execute(&mut connection)
        .await
        .unwrap();
    let (file,): (String,) = sqlx::query_as("SHOW hba_file")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    server.stop().await;
    // As the previous release left it.
    std::fs::write(file, "host all all 127.0.0.1/32 trust\n").unwrap();
    std::fs::remove_file(folder.path().join("postgres/password")).unwrap();

    let server = PrivatePostgres::start(options()).await.unwrap();
    assert_eq!(query(&server.admin_url(), "SELECT n FROM kept").await.unwrap(), 7);
    assert_refused(&server).await;
    server.stop().await;
}

/// Child process of the next test: starts both servers, prints their ports and waits to be killed.
#[tokio::test]
async fn child_process_with_servers() {
    if std::env::args().all(|argument| argument != "--nocapture") {
        return;
    }
    let postgres = PrivatePostgres::start(ServerOptions::temporary()).await.unwrap();
    let redis = PrivateRedis::start(ServerOptions::temporary()).await.unwrap();
    println!("\nservers {} {}", postgres.port(), redis.port());
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn servers_end_with_a_killed_process() {
    use std::io::{BufRead, BufReader};

    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "servers::child_process_with_servers", "--nocapture"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let ports = output.lines().map_while(Result::ok).find_map(|line| {
        let (postgres, redis) = line.strip_prefix("servers ")?.split_once(' ')?;
        Some((postgres.parse::<u16>().ok()?, redis.parse::<u16>().ok()?))
    });
    let (postgres, redis) = ports.expect("the child names its ports");
    let prefix = format!("-{}-", child.id());
    let folders = || {
        let entries = std::fs::read_dir("/tmp").unwrap().flatten();
        entries
            .filter(|entry| entry.file_name().to_string_lossy().contains(&prefix))
            .count()
    };
    assert_eq!(folders(), 2);
    child.kill().unwrap(); // signal 9
    child.wait().unwrap();
    for port in [postgres, redis] {
        eventually(TIMEOUT, || async move {
            std::net::TcpStream::connect(("127.0.0.1", port)).err()
        })
        .await;
    }
    eventually_true(TIMEOUT, || async { folders() == 0 }).await;
}
