//! Database, configuration and environment of the service under test.

use std::marker::PhantomData;
use std::sync::atomic::AtomicI64;

use carshare_chassis::config::{ServiceConfig, Sources, load};
use carshare_chassis::{Environment, ManualClock};
use carshare_store::config::Database as DatabaseConfig;
use carshare_store::{Db, StoreService, migrate};
use carshare_testkit::{Database, GrpcStub, Tokens, redis_url};
use sqlx::migrate::Migrator;

use crate::publisher::Publisher;
use crate::service::TestService;

/// Builder of a [`TestService`].
pub struct Setup<S> {
    environment: Environment,
    clock: ManualClock,
    publishers: &'static [&'static str],
    env: Vec<(String, String)>,
    service: PhantomData<S>,
}

impl<S: StoreService> Setup<S>
where
    S::Config: Clone,
{
    /// Starts from a manual clock at `start` (RFC 3339). `publishers` are the services whose events the test publishes.
    pub fn new(start: &str, publishers: &'static [&'static str]) -> Self {
        let start = start.parse().expect("an RFC 3339 time");
        let (environment, clock) = Environment::manual(start, 7);
        Self {
            environment,
            clock,
            publishers,
            env: Vec::new(),
            service: PhantomData,
        }
    }

    /// Returns the environment of the service, for doubles that share its clock.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Sets a configuration key: `("VEHICLE__URI", "http://…")`, without the service's prefix.
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Creates the database, loads the configuration and applies `change` to it. No instance runs yet.
    pub async fn prepare(mut self, change: impl FnOnce(&mut S::Config)) -> TestService<S> {
        let (database, redis_url) = tokio::join!(database::<S>(self.publishers), redis_url());
        let tokens = Tokens::new().expect("an Ed25519 key");
        let keys = GrpcStub::new().jwks(&tokens).start().await;
        let keys = keys.expect("a server of the key set");
        self.env.push(("DATABASE__URL".to_owned(), database.url()));
        self.env.push(("REDIS__URL".to_owned(), redis_url.clone()));
        self.env.push(("IDENTITY__JWKS__URI".to_owned(), keys.uri()));
        let mut config = load_config::<S>(self.env);
        change(&mut config.service);
        let publishers = self.publishers.iter();
        let publishers =
            publishers.map(|service| Publisher::start(service, &database, &redis_url, &self.environment));
        let db = Db::connect(&DatabaseConfig::at(database.url()), self.environment.clone());
        TestService {
            db: db.expect("a database URL"),
            publishers: publishers.collect(),
            published: AtomicI64::new(0),
            environment: self.environment,
            clock: self.clock,
            config,
            tokens,
            database,
            _keys: keys,
        }
    }
}

/// Creates a database with the schema of `S` and, for each publisher, a schema that holds only the messaging tables.
pub async fn database<S: StoreService>(publishers: &[&str]) -> Database {
    let roles = [&[S::NAME], publishers].concat();
    Database::create_many(&roles, migrate_all::<S>).await
}

async fn migrate_all<S: StoreService>(urls: Vec<String>) -> anyhow::Result<()> {
    for (position, url) in urls.into_iter().enumerate() {
        let migrator = if position == 0 {
            S::migrator()
        } else {
            Migrator::DEFAULT
        };
        migrate(&DatabaseConfig::at(url), migrator).await?;
    }
    Ok(())
}

/// Loads the embedded defaults of `S` with these keys and those of every test: no TLS, any admin port.
pub fn load_config<S: StoreService>(env: Vec<(String, String)>) -> ServiceConfig<S::Config> {
    let common = [
        ("TLS__INSECURE", "true"),
        ("TLS__INSECURE_AS", S::NAME),
        ("ADMIN__LISTEN", "127.0.0.1:0"),
    ];
    let common = common.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let prefix = S::NAME.to_uppercase();
    let env = common.into_iter().chain(env);
    load(Sources {
        service: S::NAME,
        defaults: S::DEFAULTS,
        file: None,
        env: env.map(|(name, value)| (format!("{prefix}__{name}"), value)),
    })
    .expect("a valid configuration")
}
