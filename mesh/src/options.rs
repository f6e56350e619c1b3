//! Options of a mesh.

use std::any::Any;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use carshare_chassis::Environment;

/// Addresses, data and environment of a mesh.
#[derive(Clone)]
pub struct Options {
    /// Folder for the data of PostgreSQL, Redis, S3 and the sandbox. `None`: data that is removed when the mesh ends.
    pub data: Option<PathBuf>,
    /// PostgreSQL and Redis to use instead of private servers.
    pub stores: Option<ExternalStores>,
    /// Address that the gateway listens on.
    pub gateway: SocketAddr,
    /// Address that the sandbox listens on.
    pub sandbox: SocketAddr,
    /// Port of the S3 server; `None` picks a free one.
    pub s3_port: Option<u16>,
    /// Clock, ids and randomness of every service.
    pub environment: Environment,
    /// How the services of a [`Mesh`](crate::Mesh) call one another; those of a [`Fleet`](crate::Fleet) always use TLS.
    pub peers: PeerTransport,
    /// Further environment variables of the services, such as `BOOKING__BOOKING__PAY_WITHIN_MS`.
    pub env: Vec<(String, String)>,
}

/// Transport of calls between services of one process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PeerTransport {
    /// As `carshare serve --all` does.
    #[default]
    Memory,
    /// Mutual TLS over sockets, as between processes.
    Tls,
}

/// PostgreSQL and Redis that the caller runs.
#[derive(Clone)]
pub struct ExternalStores {
    /// URL of a superuser on the database.
    pub admin_url: String,
    /// Name of the database, in which every service's role has its schema and [`migrate`](crate::dependencies::migrate)
    /// has run.
    pub database: String,
    /// URL of an empty logical database of Redis.
    pub redis_url: String,
    /// Dropped with the mesh: removes what the caller made for it.
    pub guard: Arc<dyn Any + Send + Sync>,
}

impl Options {
    /// Temporary data, free ports, the system's clock.
    pub fn temporary() -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            data: None,
            stores: None,
            gateway: any_port,
            sandbox: any_port,
            s3_port: None,
            environment: Environment::system(),
            peers: PeerTransport::default(),
            env: Vec::new(),
        }
    }

    /// Sets clock, ids and randomness.
    pub fn with_environment(self, environment: Environment) -> Self {
        Self { environment, ..self }
    }

    /// Adds an environment variable of the services.
    pub fn with_env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }
}
