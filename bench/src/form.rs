//! The mesh under measurement: release binaries as in production, on a PostgreSQL that writes to disk.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use carshare_chassis::tls;
use carshare_devservers::bootstrap::{bootstrap, role_url};
use carshare_devservers::process::{Binary, Launch};
use carshare_devservers::{PrivatePostgres, PrivateRedis, ServerOptions, free_port};
use carshare_mesh::dependencies::{Dependencies, SERVICES, migrate};
use carshare_mesh::service_env::ServiceEnv;
use carshare_mesh::{ExternalStores, Fleet, Options, ready};
use clap::ValueEnum;

const DATABASE: &str = "carshare";
/// Time in which a process drains.
const STOP_TIMEOUT: Duration = Duration::from_mins(1);

/// How the services run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// One process per service and the gateway, with mutual TLS between them.
    Processes,
    /// All in one process: `carshare serve --all`.
    AllInOne,
}

impl Form {
    pub const ALL: [Self; 2] = [Self::Processes, Self::AllInOne];

    pub fn title(self) -> &'static str {
        match self {
            Self::Processes => "One process per service",
            Self::AllInOne => "All in one process: `carshare serve --all`",
        }
    }
}

/// A running mesh.
pub struct Running {
    pub form: Form,
    /// URL of the gateway.
    pub gateway: String,
    /// URL of PostgreSQL's superuser.
    pub admin_url: String,
    servers: Servers,
    stores: Arc<Stores>,
}

enum Servers {
    Processes(Box<Fleet>),
    AllInOne(Box<(Binary, Dependencies)>),
}

/// PostgreSQL and Redis.
struct Stores {
    postgres: PrivatePostgres,
    redis: PrivateRedis,
}

impl Running {
    /// Starts PostgreSQL, Redis and the services, and waits until they are ready.
    pub async fn start(form: Form, binaries: PathBuf, data: &Path) -> Result<Self> {
        let stores = Arc::new(Stores::start(data).await?);
        let superuser = stores.postgres.admin_url();
        bootstrap(&superuser, DATABASE, &SERVICES).await?;
        let admin_url = role_url(&superuser, DATABASE, "postgres")?;
        let roles: Result<Vec<String>> = SERVICES
            .iter()
            .map(|role| role_url(&superuser, DATABASE, role))
            .collect();
        migrate(roles?).await?;
        let options = options(&stores, &admin_url, data)?;
        let (gateway, servers) = match form {
            Form::Processes => {
                let fleet = Fleet::start(options, binaries, 1).await?;
                let gateway = fleet.gateways().into_iter().next().context("no gateway")?;
                (gateway, Servers::Processes(Box::new(fleet)))
            }
            Form::AllInOne => all_in_one(options, &binaries).await?,
        };
        Ok(Self {
            form,
            gateway,
            admin_url,
            servers,
            stores,
        })
    }

    /// Returns the processes of the services, if there are several.
    pub fn fleet(&self) -> Option<&Fleet> {
        match &self.servers {
            Servers::Processes(fleet) => Some(fleet),
            Servers::AllInOne(_) => None,
        }
    }

    /// Returns the URL of a service's role.
    pub fn database_url(&self, service: &str) -> Result<String> {
        role_url(&self.stores.postgres.admin_url(), DATABASE, service)
    }

    /// Stops the services, then PostgreSQL and Redis.
    pub async fn stop(self) -> Result<()> {
        match self.servers {
            Servers::Processes(fleet) => drop(fleet),
            Servers::AllInOne(running) => {
                let (mut process, dependencies) = *running;
                process.terminate()?;
                process.wait(STOP_TIMEOUT).await?;
                dependencies.stop().await;
            }
        }
        let stores = Arc::into_inner(self.stores).context("the servers are in use")?;
        stores.postgres.stop().await;
        stores.redis.stop().await;
        Ok(())
    }
}

impl Stores {
    async fn start(data: &Path) -> Result<Self> {
        let postgres = ServerOptions::persistent(data.join("postgres"))
            .with_setting("shared_buffers=512MB")
            .with_setting("max_wal_size=4GB")
            .with_setting("shared_preload_libraries=pg_stat_statements");
        Ok(Self {
            postgres: PrivatePostgres::start(postgres).await?,
            redis: PrivateRedis::start(ServerOptions::temporary()).await?,
        })
    }
}

/// Starts `carshare serve --all` and waits until it is ready.
async fn all_in_one(options: Options, binaries: &Path) -> Result<(String, Servers)> {
    tls::install_provider();
    let dependencies = Dependencies::start(&options).await?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
    let gateway = format!("http://{address}");
    let addresses = BTreeMap::from([("gateway", vec![address])]);
    let service_env = ServiceEnv::new(&options, addresses, &options.environment.random)?;
    let mut env = HashMap::new();
    for name in SERVICES.into_iter().chain(["gateway"]) {
        env.extend(service_env.env(name, &dependencies)?);
    }
    let launch = Launch {
        args: vec!["serve".to_owned(), "--all".to_owned()],
        env,
        dir: None,
    };
    let process = Binary::spawn(binaries.join("carshare"), launch)?;
    ready::wait(&gateway)
        .await
        .context("carshare serve --all is not ready")?;
    Ok((gateway, Servers::AllInOne(Box::new((process, dependencies)))))
}

/// Limits are counted, but none is reached; a guest may have any number of open requests.
fn options(stores: &Stores, admin_url: &str, data: &Path) -> Result<Options> {
    let folder = data.join("mesh");
    std::fs::create_dir_all(&folder)?;
    let guard: Arc<dyn Any + Send + Sync> = Arc::new(());
    let options = Options {
        data: Some(folder),
        stores: Some(ExternalStores {
            admin_url: admin_url.to_owned(),
            database: DATABASE.to_owned(),
            redis_url: stores.redis.url(),
            guard,
        }),
        ..Options::temporary()
    };
    Ok(options
        .with_env("GATEWAY__LIMITS__PER_MINUTE_BY_ADDRESS", "100000000")
        .with_env("GATEWAY__LIMITS__PER_HOUR_BY_USER", "100000000")
        .with_env("GATEWAY__LIMITS__CLASS_FACTOR", "1000000")
        .with_env("GATEWAY__LIMITS__IN_FLIGHT_BY_ADDRESS", "1000")
        .with_env("GATEWAY__LIMITS__IN_FLIGHT_BY_CLASS", "1000")
        .with_env("BOOKING__BOOKING__MAX_OPEN_REQUESTS", "1000000")
        .with_env("BOOKING__BOOKING__MAX_OPEN_REQUESTS_UNVERIFIED", "1000000")
        .with_env("BOOKING__BOOKING__MAX_OVERLAPPING_BOOKINGS", "1000000")
        .with_env("VEHICLE__CALENDAR__HORIZON_MS", "100000000000"))
}
