//! `carshare dev`: what a development mesh in containers has instead of the tools of an operator.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use carshare_auth::Auth;
use carshare_chassis::config;
use carshare_chassis::service::{Service, environment};
use carshare_chassis::{Environment, Shutdown};
use carshare_devservers::S3;
use carshare_devservers::bootstrap::{bootstrap, role_url};
use carshare_mesh::demo;
use carshare_mesh::dependencies::{DATABASE, SERVICES, create_bucket, migrate};
use carshare_store::Runner;
use clap::Subcommand;
use tokio::net::lookup_host;

use crate::dev_secrets::{self, SecretsArgs};

#[derive(Subcommand)]
pub enum DevCommand {
    /// Make certificates, passwords and keys, a subfolder for each process. Secrets of an earlier call are kept.
    Secrets(SecretsArgs),
    /// Make the roles and schemas of the services in PostgreSQL, and migrate them.
    Database {
        /// File with the URL of PostgreSQL's superuser.
        #[arg(long, value_name = "FILE")]
        admin_url_file: PathBuf,
    },
    /// Serve the S3 API on a folder, with the bucket for photos.
    S3 {
        #[arg(long, value_name = "FOLDER")]
        data: PathBuf,
        #[arg(long, default_value = "0.0.0.0:8091")]
        listen: SocketAddr,
        /// File with the secret key of every client.
        #[arg(long, value_name = "FILE")]
        secret_key_file: PathBuf,
    },
    /// Load the demo data, and make the administrator with the configuration of auth.
    Demo {
        /// URL of the gateway.
        #[arg(long)]
        gateway: String,
        /// URL of the sandbox.
        #[arg(long)]
        sandbox: String,
        /// Name and port of the object storage for this process, if the URLs of uploads lead only other clients to it.
        #[arg(long)]
        objects: Option<String>,
    },
}

pub async fn run(command: DevCommand) -> Result<()> {
    carshare_chassis::tls::install_provider();
    match command {
        DevCommand::Secrets(args) => dev_secrets::make(&args).await,
        DevCommand::Database { admin_url_file } => prepare_database(&read(&admin_url_file)?).await,
        DevCommand::S3 {
            data,
            listen,
            secret_key_file,
        } => serve_s3(&data, listen, &read(&secret_key_file)?).await,
        DevCommand::Demo {
            gateway,
            sandbox,
            objects,
        } => load_demo(&gateway, &sandbox, objects.as_deref()).await,
    }
}

async fn prepare_database(admin_url: &str) -> Result<()> {
    bootstrap(admin_url, DATABASE, &SERVICES).await?;
    let urls = SERVICES.iter().map(|role| role_url(admin_url, DATABASE, role));
    migrate(urls.collect::<Result<_>>()?).await
}

async fn serve_s3(data: &Path, listen: SocketAddr, secret_key: &str) -> Result<()> {
    let shutdown = Shutdown::from_signals()?;
    let server = S3::start(data, listen, secret_key).await?;
    create_bucket(&server).await?;
    println!("serving S3 at {}", server.endpoint);
    shutdown.cancelled().await;
    Ok(())
}

async fn load_demo(gateway: &str, sandbox: &str, objects: Option<&str>) -> Result<()> {
    let objects = match objects {
        Some(name) => Some(
            lookup_host(name)
                .await?
                .next()
                .context("--objects has no address")?,
        ),
        None => None,
    };
    let auth = config::load::<<Runner<Auth> as Service>::Config>(config::Sources {
        service: Runner::<Auth>::NAME,
        defaults: Runner::<Auth>::DEFAULTS,
        file: None,
        env: environment(),
    })?;
    demo::load(gateway, sandbox, objects).await?;
    demo::create_admin(&auth.service, Environment::system()).await
}

/// Reads a file of one line.
fn read(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.trim_end().to_owned())
}
