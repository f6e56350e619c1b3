//! Private servers: they start, crash, come back, keep or lose their data, and never outlive their process.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Result;
use carshare_testkit::{Options, PrivatePostgres, PrivateRedis, TempDir, eventually, eventually_true};
use sqlx::{Connection, PgConnection};

const TIMEOUT: Duration = Duration::from_secs(20);

async fn ask(url: &str, sql: &'static str) -> Result<i64> {
    let mut connection = PgConnection::connect(url).await?;
    let answer: i64 = sqlx::query_scalar(sql).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(answer)
}

#[tokio::test]
async fn postgres_comes_back_from_a_crash_with_what_was_committed() {
    let server = PrivatePostgres::start(Options::temporary()).await.unwrap();
    let url = server.admin_url();
    assert_eq!(
        ask(&url, "WITH made AS (SELECT 1) SELECT count(*) FROM made")
            .await
            .unwrap(),
        1
    );
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("CREATE TABLE kept AS SELECT 7::bigint AS n")
        .execute(&mut connection)
        .await
        .unwrap();
    server.kill().await.unwrap();
    assert!(ask(&url, "SELECT n FROM kept").await.is_err());
    server.restart().await.unwrap();
    assert_eq!(ask(&url, "SELECT n FROM kept").await.unwrap(), 7);
    server.stop().await;
}

#[tokio::test]
async fn a_temporary_server_removes_its_folder() {
    let server = PrivateRedis::start(Options::temporary()).await.unwrap();
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
async fn persistent_servers_find_their_data_again() {
    let folder = TempDir::create("persistent").unwrap();
    let (postgres_dir, redis_dir) = (folder.path().join("postgres"), folder.path().join("redis"));
    for round in 0..2 {
        let postgres = PrivatePostgres::start(Options::persistent(&postgres_dir))
            .await
            .unwrap();
        let redis = PrivateRedis::start(Options::persistent(&redis_dir))
            .await
            .unwrap();
        let mut connection = PgConnection::connect(&postgres.admin_url()).await.unwrap();
        sqlx::raw_sql("CREATE TABLE IF NOT EXISTS rounds (); ALTER TABLE rounds ADD COLUMN IF NOT EXISTS n int; INSERT INTO rounds DEFAULT VALUES")
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        assert_eq!(
            ask(&postgres.admin_url(), "SELECT count(*) FROM rounds")
                .await
                .unwrap(),
            round + 1
        );
        assert_eq!(
            ask(
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
        // The second round ends without a word: the supervisors stop the servers all the same.
        if round == 0 {
            postgres.stop().await;
            redis.stop().await;
        }
    }
    let lock = postgres_dir.join("data/postmaster.pid");
    eventually_true(TIMEOUT, || async { !lock.exists() }).await;
}

/// The other half of the next test: run as a child process, it starts both servers, says where and waits to be killed.
#[tokio::test]
async fn child_with_servers() {
    if std::env::args().all(|argument| argument != "--nocapture") {
        return;
    }
    let postgres = PrivatePostgres::start(Options::temporary()).await.unwrap();
    let redis = PrivateRedis::start(Options::temporary()).await.unwrap();
    println!("\nservers {} {}", postgres.port(), redis.port());
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn servers_die_with_a_process_that_is_killed() {
    use std::io::{BufRead, BufReader};

    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "servers::child_with_servers", "--nocapture"])
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
