//! PostgreSQL and Redis for one fleet, behind proxies, and the faults they can have.

use std::collections::BTreeMap;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use carshare_mesh::dependencies::{SERVICES, migrate};
use carshare_mesh::{ExternalStores, Options};
use carshare_testkit::bootstrap::{bootstrap, role_url};
use carshare_testkit::proxy::FaultProxy;
use carshare_testkit::{PrivatePostgres, PrivateRedis, ServerOptions};
use redis::aio::MultiplexedConnection;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection};

const DATABASE: &str = "carshare";
/// Room for the schemas and the rows of a test.
const DISK_MB: u32 = 384;

/// Lets a fault last. Not a wait for a condition: the duration is what the test is about.
pub async fn fault_lasts(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Servers with a small disk for the tables. Redis keeps nothing on disk but explicit snapshots.
pub struct Servers {
    pub postgres: PrivatePostgres,
    pub redis: PrivateRedis,
    /// Between each service and PostgreSQL.
    pub postgres_proxies: BTreeMap<&'static str, FaultProxy>,
    /// Between all processes and Redis.
    pub redis_proxy: FaultProxy,
    through_proxies: Vec<(String, String)>,
}

impl Servers {
    /// Starts both servers and brings the schemas up to date.
    pub async fn start() -> Self {
        let (postgres, redis) = tokio::try_join!(
            PrivatePostgres::start(ServerOptions::temporary().with_small_disk(DISK_MB)),
            PrivateRedis::start(ServerOptions::temporary())
        )
        .expect("servers");
        let admin = postgres.admin_url();
        bootstrap(&admin, DATABASE, &SERVICES).await.expect("a database");
        let urls = SERVICES.map(|service| role_url(&admin, DATABASE, service).expect("a URL"));
        migrate(urls.to_vec()).await.expect("schemas");

        let (redis_proxy, redis_url) = FaultProxy::in_front_of(&redis.url()).await.expect("a proxy");
        let mut through_proxies = Vec::new();
        let mut postgres_proxies = BTreeMap::new();
        for (service, url) in SERVICES.into_iter().zip(urls) {
            let (proxy, url) = FaultProxy::in_front_of(&url).await.expect("a proxy");
            postgres_proxies.insert(service, proxy);
            let prefix = service.to_uppercase();
            through_proxies.push((format!("{prefix}__DATABASE__URL"), url));
            through_proxies.push((format!("{prefix}__REDIS__URL"), redis_url.clone()));
        }
        through_proxies.push(("GATEWAY__REDIS__URL".to_owned(), redis_url));
        let servers = Self {
            postgres,
            redis,
            postgres_proxies,
            redis_proxy,
            through_proxies,
        };
        let disk = servers.postgres.small_disk().display().to_string();
        for statement in [
            format!("CREATE TABLESPACE small LOCATION '{disk}'"),
            format!("ALTER DATABASE {DATABASE} SET TABLESPACE small"),
        ] {
            servers.admin(&statement).await.expect("a tablespace");
        }
        servers
    }

    /// Options of a mesh on these servers. They must outlive it.
    pub fn options(&self, options: Options) -> Options {
        let admin_url = role_url(&self.postgres.admin_url(), DATABASE, "postgres");
        let stores = ExternalStores {
            admin_url: admin_url.expect("a URL"),
            database: DATABASE.to_owned(),
            redis_url: self.redis.url(),
            guard: Arc::new(()),
        };
        let options = Options {
            stores: Some(stores),
            ..options
        };
        let env = self.through_proxies.iter();
        env.fold(options, |options, (name, value)| options.with_env(name, value))
    }

    /// A superuser's session outside of the mesh's database.
    async fn session(&self) -> sqlx::Result<PgConnection> {
        PgConnectOptions::from_str(&self.postgres.admin_url())?
            .connect()
            .await
    }

    async fn admin(&self, statement: &str) -> sqlx::Result<()> {
        let mut session = self.session().await?;
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut session)
            .await?;
        Ok(())
    }

    /// Ends up to `limit` sessions of the services, chosen at random.
    pub async fn terminate_sessions(&self, limit: usize) -> sqlx::Result<()> {
        self.admin(&format!(
            "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity \
             WHERE datname = '{DATABASE}' AND usename <> 'postgres' ORDER BY random() LIMIT {limit}) AS chosen"
        ))
        .await
    }

    /// Lets new transactions write or not, as before and after a failover; ends all sessions.
    pub async fn set_read_only(&self, is_read_only: bool) -> sqlx::Result<()> {
        self.admin(&format!(
            "ALTER DATABASE {DATABASE} SET default_transaction_read_only = {is_read_only}"
        ))
        .await?;
        self.terminate_sessions(1_000).await
    }

    /// Changes the password of a service's role, and ends all sessions.
    pub async fn set_password(&self, role: &str, password: &str) -> sqlx::Result<()> {
        self.admin(&format!("ALTER ROLE {role} PASSWORD '{password}'"))
            .await?;
        self.terminate_sessions(1_000).await
    }

    /// Returns the URL by which a service reaches PostgreSQL, with another password.
    pub fn database_url(&self, service: &str, password: &str) -> String {
        let name = format!("{}__DATABASE__URL", service.to_uppercase());
        let known = self.through_proxies.iter().find(|(key, _)| *key == name);
        let (_, server) = known
            .and_then(|(_, url)| url.split_once('@'))
            .expect("a URL with a password");
        format!("postgres://{service}:{password}@{server}")
    }

    /// Fills the disk of the tables: writes that need more space fail.
    pub async fn fill_disk(&self) -> sqlx::Result<()> {
        let disk = self.postgres.small_disk();
        let ballast = disk.join("ballast").display().to_string();
        self.admin(&format!(
            "COPY (SELECT 1) TO PROGRAM 'cat /dev/zero > {ballast} 2>/dev/null || true'"
        ))
        .await
    }

    pub async fn free_disk(&self) -> sqlx::Result<()> {
        let ballast = self.postgres.small_disk().join("ballast");
        self.admin(&format!(
            "COPY (SELECT 1) TO PROGRAM 'rm -f {}'",
            ballast.display()
        ))
        .await
    }

    /// Crashes PostgreSQL and starts it again.
    pub async fn restart_postgres_immediately(&self) {
        self.postgres.kill().await.expect("a kill");
        self.postgres.restart().await.expect("a start");
    }

    /// Locks a table against all use, until the session is dropped.
    pub async fn lock_table(&self, table: &str) -> sqlx::Result<PgConnection> {
        let options = PgConnectOptions::from_str(&self.postgres.admin_url())?.database(DATABASE);
        let mut session = options.connect().await?;
        let lock = format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
        sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut session).await?;
        Ok(session)
    }

    async fn redis(&self) -> redis::RedisResult<MultiplexedConnection> {
        redis::Client::open(self.redis.url())?
            .get_multiplexed_async_connection()
            .await
    }

    async fn redis_command(&self, command: &[&str]) -> redis::RedisResult<()> {
        let mut redis = self.redis().await?;
        let mut built = redis::Cmd::new();
        built.arg(command);
        built.query_async(&mut redis).await
    }

    /// Removes everything from Redis, consumer groups included.
    pub async fn empty_redis(&self) -> redis::RedisResult<()> {
        self.redis_command(&["FLUSHALL"]).await
    }

    /// Removes the entries of every event stream.
    pub async fn trim_streams(&self) -> redis::RedisResult<()> {
        for service in SERVICES {
            let stream = format!("carshare:events:{service}");
            self.redis_command(&["XTRIM", &stream, "MAXLEN", "0"]).await?;
        }
        Ok(())
    }

    /// Writes the snapshot that [`Self::roll_back_redis`] returns to.
    pub async fn snapshot_redis(&self) -> redis::RedisResult<()> {
        self.redis_command(&["SAVE"]).await
    }

    /// Kills Redis and starts it again with its last snapshot, or empty if there is none.
    pub async fn roll_back_redis(&self) {
        self.redis.kill().await.expect("a kill");
        self.redis.restart().await.expect("a start");
    }
}
