//! The servers that all tests of one process share: started at first use, gone with the process.
//!
//! `CARSHARE_TEST_POSTGRES_URL` (of a superuser) and `CARSHARE_TEST_REDIS_URL` name servers to use instead.

use anyhow::{Context, Result};
use tokio::sync::OnceCell;

use crate::servers::{Options, PrivatePostgres, PrivateRedis};

/// A server that tests share.
pub(crate) enum Shared<P> {
    /// Ours: it goes with the process.
    Private(P),
    /// Somebody else's: what we make there we remove.
    Given(String),
}

pub(crate) async fn shared_postgres() -> &'static Shared<PrivatePostgres> {
    static SERVER: OnceCell<Shared<PrivatePostgres>> = OnceCell::const_new();
    let start = async || match variable("CARSHARE_TEST_POSTGRES_URL") {
        Some(url) => Ok(Shared::Given(url)),
        None => PrivatePostgres::start(Options::temporary())
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
        Some(url) => Ok(Shared::Given(url)),
        None => PrivateRedis::start(Options::temporary())
            .await
            .map(Shared::Private),
    };
    SERVER
        .get_or_try_init(start)
        .await
        .expect("tests need a Redis server")
}

/// The superuser's URL of the PostgreSQL server that this process's tests share.
pub async fn postgres() -> String {
    match shared_postgres().await {
        Shared::Private(server) => server.admin_url(),
        Shared::Given(url) => url.clone(),
    }
}

/// The URL of the Redis server that this process's tests share. Tests want [`redis_url`].
pub async fn redis() -> String {
    match shared_redis().await {
        Shared::Private(server) => server.url(),
        Shared::Given(url) => url.clone(),
    }
}

/// The URL of an empty logical database on the shared Redis server that no other running test has.
pub async fn redis_url() -> String {
    next_redis(&redis().await)
        .await
        .expect("the shared Redis server gives a database")
}

/// Takes the next logical database. The count is kept in database 0, so that processes can share a server.
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
    reason = "which servers tests use is set from outside, for all crates at once"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
