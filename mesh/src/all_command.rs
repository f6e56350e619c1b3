//! `carshare serve|migrate|check-config|healthcheck --all`: one process for the whole mesh.

use std::path::PathBuf;

use anyhow::Result;
use carshare_chassis::service::environment;
use carshare_chassis::{Environment, Shutdown, runtime, telemetry, tls};
use carshare_mesh::serve_all::{self, Sources};
use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub enum AllCommand {
    /// Serve the whole mesh in this process until SIGTERM.
    Serve(AllArgs),
    /// Migrate the databases of all services, and exit.
    Migrate(AllArgs),
    /// Print the configuration of all services with secrets masked, and exit.
    CheckConfig(AllArgs),
    /// Exit with 0 if the running process is ready, else with 1.
    Healthcheck(AllArgs),
}

#[derive(Args)]
pub struct AllArgs {
    /// All five services and the gateway; the binaries `carshare-<service>` run one each.
    #[arg(long, required = true)]
    all: bool,
    /// Folder with `<service>.toml` files that override the embedded defaults.
    #[arg(long, value_name = "FOLDER")]
    config_dir: Option<PathBuf>,
}

impl AllCommand {
    pub fn run(self) -> Result<()> {
        let (Self::Serve(args) | Self::Migrate(args) | Self::CheckConfig(args) | Self::Healthcheck(args)) =
            &self;
        let sources = Sources {
            files: args.config_dir.clone(),
            env: environment().collect(),
        };
        let runtime = runtime::build_for_all("carshare", sources.process()?.runtime)?;
        tls::install_provider();
        runtime.block_on(async {
            match self {
                Self::Serve(_) => serve(&sources).await,
                Self::Migrate(_) => serve_all::migrate(&sources).await,
                Self::CheckConfig(_) => {
                    println!("{:#}", serve_all::check_config(&sources)?);
                    Ok(())
                }
                Self::Healthcheck(_) => serve_all::healthcheck(&sources).await,
            }
        })
    }
}

async fn serve(sources: &Sources) -> Result<()> {
    let environment = Environment::system();
    let telemetry = telemetry::init("carshare", &sources.process()?.telemetry, &environment.clock)?;
    let config = serve_all::check_config(sources)?;
    tracing::info!(%config, "starting");
    let finished = serve_all::serve(sources, environment, Shutdown::from_signals()?).await;
    if let Err(error) = &finished {
        tracing::error!(error = format!("{error:#}"), "failed");
    }
    telemetry.flush().await;
    finished
}
