//! How a mesh is to be run.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use carshare_chassis::Environment;

/// What to start, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder for the data of PostgreSQL, Redis, S3 and the sandbox. `None`: servers and data that are gone with the
    /// process, shared by the tests of one process as far as that goes unnoticed.
    pub data: Option<PathBuf>,
    /// Where the gateway listens.
    pub gateway: SocketAddr,
    /// Where the sandbox listens.
    pub sandbox: SocketAddr,
    /// Port of the S3 server; `None` picks a free one.
    pub s3_port: Option<u16>,
    /// Clock, ids and chance of every service.
    pub environment: Environment,
    /// Further environment variables for the services, such as `BOOKING__BOOKING__PAY_WITHIN_MS`.
    pub env: Vec<(String, String)>,
}

impl Options {
    /// Data that is gone with the process, free ports, the real clock: for tests.
    pub fn temporary() -> Self {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            data: None,
            gateway: anywhere,
            sandbox: anywhere,
            s3_port: None,
            environment: Environment::system(),
            env: Vec::new(),
        }
    }

    /// The same with another clock.
    pub fn in_world(self, environment: Environment) -> Self {
        Self { environment, ..self }
    }

    /// The same with one more environment variable for the services.
    pub fn with_env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }
}
