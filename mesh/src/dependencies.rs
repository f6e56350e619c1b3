//! What a mesh stands on: PostgreSQL, Redis, an S3 server, the sandbox, a certificate authority.

use std::path::Path;

use anyhow::{Context as _, Result};
use carshare_objects::Objects;
use carshare_sandbox::Sandbox;
use carshare_store::StoreService as _;
use carshare_store::config::Database as DbConfig;
use carshare_testkit::bootstrap::{bootstrap, role_url};
use carshare_testkit::{Ca, Database, PrivatePostgres, PrivateRedis, S3, TempDir};
use tokio::net::TcpListener;

use crate::Options;

/// Name of the bucket for photos.
pub const BUCKET: &str = "carshare-photos";

/// Name of the database.
const DATABASE: &str = "carshare";

/// The services that have a schema.
pub const SERVICES: [&str; 5] = ["auth", "vehicle", "booking", "payment", "notification"];

pub struct Parts {
    /// The authority of the mesh's certificates.
    pub ca: Ca,
    pub sandbox: Sandbox,
    pub s3: S3,
    store: Store,
    /// Only kept: it goes with the S3 server.
    _photos: Option<TempDir>,
}

/// Where rows and events are.
enum Store {
    /// A server of our own, whose data stays.
    Own {
        postgres: PrivatePostgres,
        redis: PrivateRedis,
    },
    /// A fresh database on the server that the tests of this process share.
    Shared { database: Database, redis_url: String },
}

impl Parts {
    /// Starts everything and brings the schemas up to date.
    pub async fn start(options: &Options) -> Result<Self> {
        let sandbox = async {
            let listener = TcpListener::bind(options.sandbox)
                .await
                .with_context(|| format!("the sandbox cannot listen on {}", options.sandbox))?;
            let config = carshare_sandbox::Config {
                state_path: options.data.as_deref().map(|data| data.join("sandbox.json")),
                ..Default::default()
            };
            Sandbox::start(config, options.environment.clone(), listener).await
        };
        let photos = options
            .data
            .is_none()
            .then(|| TempDir::create("photos"))
            .transpose()?;
        let photos_path = match (&photos, &options.data) {
            (Some(folder), _) => folder.path().to_owned(),
            (None, Some(data)) => data.join("s3"),
            (None, None) => anyhow::bail!("there is no folder for photos"),
        };
        let s3 = async {
            let s3 = S3::start(photos_path, options.s3_port).await?;
            let objects = carshare_objects::Config {
                endpoint: s3.endpoint.clone(),
                bucket: BUCKET.to_owned(),
                access_key: s3.access_key.clone().into(),
                secret_key: s3.secret_key.clone().into(),
                ..Default::default()
            };
            Objects::new(&objects)?.ensure_bucket().await?;
            anyhow::Ok(s3)
        };
        let (store, sandbox, s3) = tokio::try_join!(Store::start(options.data.as_deref()), sandbox, s3)?;
        Ok(Self {
            ca: Ca::new()?,
            sandbox,
            s3,
            store,
            _photos: photos,
        })
    }

    /// URL of a service's role.
    pub fn database_url(&self, service: &str) -> Result<String> {
        match &self.store {
            Store::Own { postgres, .. } => role_url(&postgres.admin_url(), DATABASE, service),
            Store::Shared { database, .. } => Ok(database.url_of(service)),
        }
    }

    /// URL of PostgreSQL's superuser on the mesh's database: for tests that look across schemas.
    pub fn admin_url(&self) -> Result<String> {
        match &self.store {
            Store::Own { postgres, .. } => role_url(&postgres.admin_url(), DATABASE, "postgres"),
            Store::Shared { database, .. } => Ok(database.admin_url()),
        }
    }

    pub fn redis_url(&self) -> String {
        match &self.store {
            Store::Own { redis, .. } => redis.url(),
            Store::Shared { redis_url, .. } => redis_url.clone(),
        }
    }

    /// Our own PostgreSQL, where there is one, to be restarted.
    pub fn postgres(&self) -> Option<&PrivatePostgres> {
        match &self.store {
            Store::Own { postgres, .. } => Some(postgres),
            Store::Shared { .. } => None,
        }
    }

    /// Our own Redis, where there is one, to be restarted.
    pub fn redis(&self) -> Option<&PrivateRedis> {
        match &self.store {
            Store::Own { redis, .. } => Some(redis),
            Store::Shared { .. } => None,
        }
    }

    /// Stops everything; what is to be kept is on disk.
    pub async fn stop(self) {
        self.sandbox.shutdown().await;
        if let Store::Own { postgres, redis } = self.store {
            tokio::join!(postgres.stop(), redis.stop());
        }
    }
}

impl Store {
    async fn start(data: Option<&Path>) -> Result<Self> {
        use carshare_testkit::Options as ServerOptions;
        let Some(data) = data else {
            let (database, redis_url) = tokio::join!(
                Database::create_many(&SERVICES, migrate),
                carshare_testkit::redis_url()
            );
            return Ok(Self::Shared { database, redis_url });
        };
        let (postgres, redis) = tokio::try_join!(
            PrivatePostgres::start(ServerOptions::persistent(data.join("postgres"))),
            PrivateRedis::start(ServerOptions::persistent(data.join("redis"))),
        )?;
        let admin_url = postgres.admin_url();
        bootstrap(&admin_url, DATABASE, &SERVICES).await?;
        let urls: Result<Vec<String>> = SERVICES
            .iter()
            .map(|role| role_url(&admin_url, DATABASE, role))
            .collect();
        migrate(urls?).await?;
        Ok(Self::Own { postgres, redis })
    }
}

/// Migrates the five schemas, in the order of [`SERVICES`].
async fn migrate(urls: Vec<String>) -> Result<()> {
    let migrators = [
        carshare_auth::Auth::migrator(),
        carshare_vehicle::Vehicle::migrator(),
        carshare_booking::Booking::migrator(),
        carshare_payment::migrator(),
        carshare_notification::Notification::migrator(),
    ];
    let all = urls
        .into_iter()
        .zip(migrators)
        .map(|(url, migrator)| async move { carshare_store::migrate(&DbConfig::at(url), migrator).await });
    futures::future::try_join_all(all).await?;
    Ok(())
}
