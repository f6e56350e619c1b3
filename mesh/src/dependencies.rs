//! The dependencies of a mesh: PostgreSQL, Redis, an S3 server, the sandbox, a certificate authority.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result};
use carshare_chassis::config::{self, ServiceConfig};
use carshare_chassis::service::Service as _;
use carshare_devservers::bootstrap::{bootstrap, role_url};
use carshare_devservers::{Ca, PrivatePostgres, PrivateRedis, S3, ServerOptions};
use carshare_objects::Objects;
use carshare_sandbox::{Process, ProcessConfig, Sandbox};
use carshare_store::StoreService as _;
use carshare_store::config::Database as DbConfig;
use tokio::net::TcpListener;

use crate::Options;
use crate::options::ExternalStores;
use crate::secrets;

/// Name of the bucket for photos.
pub const BUCKET: &str = "carshare-photos";

/// Name of the database of a development mesh.
pub const DATABASE: &str = "carshare";

/// The services, each with a schema and a role of the same name.
pub const SERVICES: [&str; 5] = ["auth", "vehicle", "booking", "payment", "notification"];

/// Running dependencies of one mesh.
pub struct Dependencies {
    /// Issues the certificates of the mesh.
    pub ca: Ca,
    pub sandbox: Sandbox,
    pub s3: S3,
    stores: Stores,
}

/// PostgreSQL and Redis, private or provided by the caller.
enum Stores {
    Private {
        postgres: PrivatePostgres,
        redis: PrivateRedis,
    },
    External(ExternalStores),
}

impl Dependencies {
    /// Starts the servers that the options do not provide, and brings the schemas up to date.
    pub async fn start(options: &Options) -> Result<Self> {
        let (stores, sandbox, s3) =
            tokio::try_join!(Stores::start(options), start_sandbox(options), start_s3(options))?;
        Ok(Self {
            ca: Ca::new()?,
            sandbox,
            s3,
            stores,
        })
    }

    /// Returns the URL of a service's role on the mesh's database.
    pub fn database_url(&self, service: &str) -> Result<String> {
        match &self.stores {
            Stores::Private { postgres, .. } => role_url(&postgres.admin_url(), DATABASE, service),
            Stores::External(stores) => role_url(&stores.admin_url, &stores.database, service),
        }
    }

    /// Returns the URL of PostgreSQL's superuser on the mesh's database.
    pub fn admin_url(&self) -> Result<String> {
        match &self.stores {
            Stores::Private { postgres, .. } => role_url(&postgres.admin_url(), DATABASE, "postgres"),
            Stores::External(stores) => Ok(stores.admin_url.clone()),
        }
    }

    pub fn redis_url(&self) -> String {
        match &self.stores {
            Stores::Private { redis, .. } => redis.url(),
            Stores::External(stores) => stores.redis_url.clone(),
        }
    }

    /// Returns the private PostgreSQL server, which can be killed and restarted; `None` if the caller provided one.
    pub fn postgres(&self) -> Option<&PrivatePostgres> {
        match &self.stores {
            Stores::Private { postgres, .. } => Some(postgres),
            Stores::External(_) => None,
        }
    }

    /// Returns the private Redis server, as [`Self::postgres`] does PostgreSQL.
    pub fn redis(&self) -> Option<&PrivateRedis> {
        match &self.stores {
            Stores::Private { redis, .. } => Some(redis),
            Stores::External(_) => None,
        }
    }

    /// Stops everything; persistent data is on disk.
    pub async fn stop(self) {
        self.sandbox.shutdown().await;
        if let Stores::Private { postgres, redis } = self.stores {
            tokio::join!(postgres.stop(), redis.stop());
        }
    }
}

impl Stores {
    async fn start(options: &Options) -> Result<Self> {
        if let Some(stores) = &options.stores {
            return Ok(Self::External(stores.clone()));
        }
        let server = |kind: &str| match &options.data {
            Some(data) => ServerOptions::persistent(data.join(kind)),
            None => ServerOptions::temporary(),
        };
        let (postgres, redis) = tokio::try_join!(
            PrivatePostgres::start(server("postgres")),
            PrivateRedis::start(server("redis")),
        )?;
        let admin_url = postgres.admin_url();
        bootstrap(&admin_url, DATABASE, &SERVICES).await?;
        let urls: Result<Vec<String>> = SERVICES
            .iter()
            .map(|role| role_url(&admin_url, DATABASE, role))
            .collect();
        migrate(urls?).await?;
        Ok(Self::Private { postgres, redis })
    }
}

async fn start_sandbox(options: &Options) -> Result<Sandbox> {
    let listener = TcpListener::bind(options.sandbox)
        .await
        .with_context(|| format!("the sandbox cannot listen on {}", options.sandbox))?;
    let mut config = sandbox_config(options)?;
    let persistent = options.data.as_deref().map(|data| data.join("sandbox.json"));
    config.state_path = config.state_path.or(persistent);
    Sandbox::start(config, options.environment.clone(), listener).await
}

/// Reads the settings of the providers from the variables `SANDBOX__PROVIDERS__…`.
pub(crate) fn sandbox_config(options: &Options) -> Result<carshare_sandbox::Config> {
    let config: ServiceConfig<ProcessConfig> = config::load(config::Sources {
        service: Process::NAME,
        defaults: Process::DEFAULTS,
        file: None,
        env: options.env.clone(),
    })?;
    Ok(config.service.providers)
}

async fn start_s3(options: &Options) -> Result<S3> {
    let s3 = match &options.data {
        Some(data) => {
            let secret_key = secrets::of_folder(Some(data), secrets::S3_KEY, &options.environment.random)?;
            let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, options.s3_port.unwrap_or(0)));
            S3::start(data.join("s3"), listen, &secret_key).await?
        }
        None => S3::temporary().await?,
    };
    create_bucket(&s3).await?;
    Ok(s3)
}

/// Creates the bucket for photos, if the server has none.
pub async fn create_bucket(s3: &S3) -> Result<()> {
    let objects = carshare_objects::Config {
        endpoint: s3.endpoint.clone(),
        bucket: BUCKET.to_owned(),
        access_key: s3.access_key.clone().into(),
        secret_key: s3.secret_key.clone().into(),
        ..Default::default()
    };
    Ok(Objects::new(&objects)?.ensure_bucket().await?)
}

/// Migrates the five schemas. `urls` are those of the services' roles, in the order of [`SERVICES`].
pub async fn migrate(urls: Vec<String>) -> Result<()> {
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
