//! The binary of a service: `serve [--no-worker]`, `worker`, `migrate`, `check-config`, `healthcheck` and commands of its own.
//!
//! ```text
//! fn main() -> ExitCode {
//!     carshare_chassis::service::main::<carshare_booking::Booking>()
//! }
//! ```

mod cli;
mod healthcheck;

use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;

use crate::config::{self, ServiceConfig};
use crate::environment::Environment;
use crate::task::Shutdown;
use crate::{runtime, telemetry, tls};

pub use cli::NoCommand;
use cli::{Cli, Role};
pub use healthcheck::healthcheck;

/// A service of the mesh.
pub trait Service: Send + Sync + 'static {
    /// Name, `booking`; in capitals the prefix of its environment variables.
    const NAME: &'static str;
    /// The embedded `config.default.toml`.
    const DEFAULTS: &'static str;
    type Config: DeserializeOwned + Serialize + Send + Sync + 'static;
    /// Further subcommands; [`NoCommand`] for none.
    type Command: clap::Subcommand + Send;

    /// Runs until the shutdown fires and the service is drained. There is a listener when `roles.api` is set and the service is not
    /// served in memory only.
    fn serve(
        config: ServiceConfig<Self::Config>,
        environment: Environment,
        listener: Option<TcpListener>,
        shutdown: Shutdown,
        roles: Roles,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Checks what the types of the configuration do not, for `check-config`: keys that contradict one another, URLs, sealing keys,
    /// certificates of public ports. Connects to nothing.
    ///
    /// # Errors
    /// What is wrong, with the key.
    fn check(config: ServiceConfig<Self::Config>, environment: Environment) -> anyhow::Result<()> {
        let _ = (config, environment);
        Ok(())
    }

    /// Migrates the database to the schema of this binary.
    fn migrate(config: ServiceConfig<Self::Config>) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Runs one of [`Service::Command`].
    fn command(
        config: ServiceConfig<Self::Config>,
        environment: Environment,
        command: Self::Command,
    ) -> impl Future<Output = anyhow::Result<()>> + Send {
        let _ = (config, environment, command);
        async { anyhow::bail!("there is no such command") }
    }
}

/// Roles of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    pub api: bool,
    /// Runs timers, relays and consumers.
    pub worker: bool,
}

impl Roles {
    pub const ALL: Self = Self {
        api: true,
        worker: true,
    };
    /// `serve --no-worker`.
    pub const API: Self = Self {
        api: true,
        worker: false,
    };
    /// `worker`.
    pub const WORKER: Self = Self {
        api: false,
        worker: true,
    };
}

/// Runs the binary of a service. Exits with 0, with 1 after an error, with 2 for an invalid command line.
pub fn main<S: Service>() -> ExitCode {
    let cli = Cli::<S::Command>::parse_for(S::NAME);
    tls::install_provider();
    match start::<S>(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error:#}", S::NAME);
            ExitCode::FAILURE
        }
    }
}

/// Returns the environment variables that are UTF-8.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

fn start<S: Service>(cli: Cli<S::Command>) -> anyhow::Result<()> {
    let config = load::<S>(cli.config, environment())?;
    let runtime = runtime::build(S::NAME, config.common.runtime)?;
    runtime.block_on(run::<S>(cli.role, config))
}

fn load<S: Service>(
    file: Option<PathBuf>,
    env: impl Iterator<Item = (String, String)>,
) -> anyhow::Result<ServiceConfig<S::Config>> {
    config::load(config::Sources {
        service: S::NAME,
        defaults: S::DEFAULTS,
        file,
        env,
    })
}

async fn run<S: Service>(role: Role<S::Command>, config: ServiceConfig<S::Config>) -> anyhow::Result<()> {
    match role {
        Role::CheckConfig => {
            check_certificate::<S>(&config, &Environment::system())?;
            let printed = config::redacted(&config);
            S::check(config, Environment::system())?;
            println!("{printed:#}");
            Ok(())
        }
        Role::Healthcheck => healthcheck(&config.common).await,
        role => {
            let environment = Environment::system();
            let telemetry = telemetry::init(S::NAME, &config.common.telemetry, &environment.clock)?;
            tracing::info!(service = S::NAME, config = %config::redacted(&config), "starting");
            let finished = run_role::<S>(role, config, environment).await;
            if let Err(error) = &finished {
                tracing::error!(error = format!("{error:#}"), "failed");
            }
            telemetry.flush().await;
            finished
        }
    }
}

async fn run_role<S: Service>(
    role: Role<S::Command>,
    config: ServiceConfig<S::Config>,
    environment: Environment,
) -> anyhow::Result<()> {
    if matches!(role, Role::Serve { .. } | Role::Worker) {
        check_certificate::<S>(&config, &environment)?;
    }
    match role {
        Role::Serve { no_worker } => {
            let address = config.common.server.listen;
            let listener = TcpListener::bind(address)
                .await
                .with_context(|| format!("cannot listen on {address}"))?;
            let roles = Roles {
                api: true,
                worker: !no_worker,
            };
            let shutdown = Shutdown::from_signals()?;
            S::serve(config, environment, Some(listener), shutdown, roles).await
        }
        Role::Worker => {
            let shutdown = Shutdown::from_signals()?;
            S::serve(config, environment, None, shutdown, Roles::WORKER).await
        }
        Role::Migrate => S::migrate(config).await,
        Role::Extra(command) => S::command(config, environment, command).await,
        Role::CheckConfig | Role::Healthcheck => Ok(()),
    }
}

/// Checks that the certificate is valid and names the service.
fn check_certificate<S: Service>(
    config: &ServiceConfig<S::Config>,
    environment: &Environment,
) -> anyhow::Result<()> {
    if let Some(certificate) = environment.certificate(&config.common.tls)? {
        certificate.check_service(S::NAME)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
