//! PostgreSQL and Redis shared by all tests of one process: started at first use, stopped with the process.
//!
//! `CARSHARE_TEST_POSTGRES_URL` (a superuser's URL) and `CARSHARE_TEST_REDIS_URL` name servers to use instead.

use anyhow::{Context, Result};
use tokio::sync::OnceCell;

use carshare_devservers::{PrivatePostgres, PrivateRedis, ServerOptions};

/// Shared server, started here or named by an environment variable.
enum Shared<P> {
    Private(P),
    External(String),
}

async fn shared_postgres() -> &'static Shared<PrivatePostgres> {
    static SERVER: OnceCell<Shared<PrivatePostgres>> = OnceCell::const_new();
    let start = async || match variable("CARSHARE_TEST_POSTGRES_URL") {
        Some(url) => Ok(Shared::External(url)),
        None => PrivatePostgres::start(ServerOptions::temporary())
            .await
            .map(Shared::Private),
    };
    SERVER
        .get_or_try_init(start)
        .await
        .expect("tests need a PostgreSQL server")
}

async fn shared_redis() -> &'static Shared<PrivateRedis> {
    static SERVER: OnceCell<Shared<PrivateRedis>> = OnceCell::const_new();
    let start = async || match variable("CARSHARE_TEST_REDIS_URL") {
        Some(url) => Ok(Shared::External(url)),
        None => PrivateRedis::start(ServerOptions::temporary())
            .await
            .map(Shared::Private),
    };
    SERVER
        .get_or_try_init(start)
        .await
        .expect("tests need a Redis server")
}

/// Returns the superuser's URL of the shared PostgreSQL server.
pub async fn postgres() -> String {
    match shared_postgres().await {
        Shared::Private(server) => server.admin_url(),
        Shared::External(url) => url.clone(),
    }
}

/// Returns the URL of the shared Redis server. A test uses [`redis_url`], which is its own.
pub async fn redis() -> String {
    match shared_redis().await {
        Shared::Private(server) => server.url(),
        Shared::External(url) => url.clone(),
    }
}

/// Returns the URL of an empty logical database of the shared Redis server that no other running test uses.
pub async fn redis_url() -> String {
    next_redis(&redis().await)
        .await
        .expect("the shared Redis server gives a database")
}

/// Takes the next logical database. The counter is in database 0, so that processes can share a server.
async fn next_redis(server: &str) -> Result<String> {
    let base = server
        .trim_end_matches(|c: char| c.is_ascii_digit())
        .trim_end_matches('/');
    let mut first = redis::Client::open(format!("{base}/0"))?
        .get_multiplexed_async_connection()
        .await?;
    let (_, databases): (String, i64) = redis::cmd("CONFIG")
        .arg("GET")
        .arg("databases")
        .query_async(&mut first)
        .await?;
    let taken: i64 = redis::cmd("INCR")
        .arg("carshare:testkit:databases")
        .query_async(&mut first)
        .await?;
    let url = format!("{base}/{}", 1 + taken % (databases - 1));
    let mut connection = redis::Client::open(url.as_str())?
        .get_multiplexed_async_connection()
        .await?;
    redis::cmd("FLUSHDB")
        .query_async::<()>(&mut connection)
        .await
        .context("cannot empty the database")?;
    Ok(url)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the servers of tests are chosen by the environment, for all crates at once"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
