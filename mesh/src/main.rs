//! The `carshare` binary: the whole mesh on a bare machine.

mod all_command;
mod banner;
mod reconcile_command;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use carshare_auth::admin::{NewAdmin, create_admin};
use carshare_auth::domain::Password;
use carshare_chassis::config::{self, LogFormat, Telemetry};
use carshare_chassis::{Environment, Shutdown, runtime, telemetry};
use carshare_mesh::{Mesh, Options, PeerTransport, demo};
use clap::{Parser, Subcommand};

/// Runs the carshare mesh on this machine: for development with `run`, in production with `serve --all`.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the mesh and run until Ctrl-C.
    Run(RunArgs),
    /// Compare bookings, occupancies, payments, ledger and provider; exit code 1 if they differ.
    Reconcile(reconcile_command::ReconcileArgs),
    #[command(flatten)]
    All(all_command::AllCommand),
}

#[derive(clap::Args)]
struct RunArgs {
    /// Folder for all data.
    #[arg(long, default_value = ".carshare")]
    data: PathBuf,
    /// TCP port of the gateway: gRPC, gRPC-web and REST.
    #[arg(long, default_value_t = 8080)]
    gateway_port: u16,
    /// TCP port of the sandbox of Toss, Kakao and FCM.
    #[arg(long, default_value_t = 8090)]
    sandbox_port: u16,
    /// Port of the S3 server, which is part of the URLs of photos.
    #[arg(long, default_value_t = 8091)]
    s3_port: u16,
    /// Do not load demo data.
    #[arg(long)]
    no_demo: bool,
    /// Log filter by target: `info`, `warn,carshare_store=debug`.
    #[arg(long, default_value = "warn")]
    log: String,
}

fn main() -> ExitCode {
    let finished = match Cli::parse().command {
        Command::Run(args) => block_on(run(args)).map(|()| ExitCode::SUCCESS),
        Command::Reconcile(args) => block_on(reconcile_command::run(args)),
        Command::All(command) => command.run().map(|()| ExitCode::SUCCESS),
    };
    match finished {
        Ok(code) => code,
        Err(error) => {
            eprintln!("carshare: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    runtime::build_for_all("carshare", config::Runtime::default())?.block_on(work)
}

async fn run(args: RunArgs) -> Result<()> {
    let environment = Environment::system();
    let log = Telemetry {
        log: args.log.clone(),
        format: LogFormat::Text,
        ..Telemetry::default()
    };
    let telemetry = telemetry::init("carshare", &log, &environment.clock)?;
    let data = create_folder(&args.data)?;
    let shutdown = Shutdown::from_signals()?;
    let options = Options {
        data: Some(data.clone()),
        stores: None,
        gateway: SocketAddr::from((Ipv4Addr::LOCALHOST, args.gateway_port)),
        sandbox: SocketAddr::from((Ipv4Addr::LOCALHOST, args.sandbox_port)),
        s3_port: Some(args.s3_port),
        environment,
        peers: PeerTransport::Memory,
        env: Vec::new(),
    };
    let mut mesh = tokio::select! {
        mesh = Mesh::start(options) => mesh?,
        () = shutdown.cancelled() => return Ok(()),
    };
    let result = serve(&mut mesh, &data, args.no_demo, &shutdown).await;
    println!("\nStopping …");
    let stopped = mesh.stop().await;
    telemetry.flush().await;
    result.and(stopped)
}

/// Loads the demo data at the first start, then runs until a signal or until a service fails.
async fn serve(mesh: &mut Mesh, data: &Path, no_demo: bool, shutdown: &Shutdown) -> Result<()> {
    let marker = data.join("demo-loaded");
    if !no_demo && !marker.exists() {
        println!("Loading demo data …");
        tokio::select! {
            loaded = load_demo(mesh) => loaded.context("the demo data could not be loaded")?,
            () = shutdown.cancelled() => return Ok(()),
        }
        std::fs::write(&marker, "")?;
    }
    banner::print(mesh, !no_demo);
    tokio::select! {
        error = mesh.failed() => Err(error),
        () = shutdown.cancelled() => Ok(()),
    }
}

async fn load_demo(mesh: &Mesh) -> Result<()> {
    demo::load(mesh.gateway(), mesh.sandbox().url()).await?;
    let admin = NewAdmin {
        email: demo::ADMIN.to_owned(),
        name: "운영자".to_owned(),
        phone: "010-9000-0001".to_owned(),
        password: Password::new(demo::PASSWORD),
    };
    let made = create_admin(&mesh.auth_config()?, mesh.environment().clone(), admin).await;
    match made {
        // An earlier load was interrupted after this step.
        Err(error)
            if matches!(
                error.downcast_ref(),
                Some(carshare_auth::error::Error::EmailTaken)
            ) =>
        {
            Ok(())
        }
        made => made.map(drop),
    }
}

/// Creates the data folder and returns its absolute path.
fn create_folder(path: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))?;
    Ok(path.canonicalize()?)
}
