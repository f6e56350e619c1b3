//! `carshare run`: the mesh for development, on private servers and with demo data.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use carshare_chassis::service::environment;
use carshare_chassis::{Environment, Shutdown, telemetry};
use carshare_devservers::private_folder;
use carshare_mesh::dependencies::SERVICES;
use carshare_mesh::serve_all::Sources;
use carshare_mesh::{Mesh, Options, PeerTransport, demo};
use rustix::fs::Mode;

use crate::banner;

#[derive(clap::Args)]
pub struct RunArgs {
    /// Folder for all data.
    #[arg(long, default_value = ".carshare")]
    data: PathBuf,
    /// TCP port of the gateway: gRPC, gRPC-web and REST.
    #[arg(long, default_value_t = 8080)]
    gateway_port: u16,
    /// TCP port of the sandbox of Toss, Kakao and FCM; that of its SMTP server is any free one.
    #[arg(long, default_value_t = 8090)]
    sandbox_port: u16,
    /// Port of the S3 server, which is part of the URLs of photos.
    #[arg(long, default_value_t = 8091)]
    s3_port: u16,
    /// TCP port of `/metrics`, `/livez` and `/readyz`.
    #[arg(long, default_value_t = 9100)]
    admin_port: u16,
    /// Do not load demo data.
    #[arg(long)]
    no_demo: bool,
    /// Log filter by target: `info`, `warn,carshare_store=debug`. Default `warn`.
    #[arg(long)]
    log: Option<String>,
    /// Set a configuration key of a service, the gateway or the sandbox, as the environment variable of that name does:
    /// `GATEWAY__LIMITS__PER_HOUR_BY_USER=1000`, `SANDBOX__PROVIDERS__KAKAO_DAILY_LIMIT=10`. May be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
}

impl RunArgs {
    /// Configuration keys: the defaults of this command < the environment < the options.
    fn env(&self, environment: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
        let own = |key: &str, value: String| (format!("GATEWAY__{key}"), value);
        let admin = SocketAddr::from((Ipv4Addr::LOCALHOST, self.admin_port));
        let mut env = vec![
            own("ADMIN__LISTEN", admin.to_string()),
            own("TELEMETRY__LOG", "warn".to_owned()),
            own("TELEMETRY__FORMAT", "text".to_owned()),
        ];
        if !self.no_demo {
            let people = demo::GUESTS.iter().chain(&demo::HOSTS).map(|person| person.email);
            let logins: Vec<_> = people.chain([demo::ADMIN]).collect();
            env.push(own("DOCS__DEMO_LOGINS", format!("{logins:?}")));
            env.push(own("DOCS__DEMO_PASSWORD", demo::PASSWORD.to_owned()));
        }
        env.extend(environment.filter(|(key, _)| is_key(key)));
        env.extend(self.log.clone().map(|log| own("TELEMETRY__LOG", log)));
        env.extend(self.set.iter().cloned());
        env
    }
}

pub async fn run(args: RunArgs) -> Result<()> {
    let env = args.env(environment());
    let process = Sources {
        files: None,
        env: env.clone(),
    }
    .process()?;
    let environment = Environment::movable();
    let telemetry = telemetry::init("carshare", &process.telemetry, &environment.clock)?;
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
        env,
    };
    let mut mesh = tokio::select! {
        mesh = Mesh::start(options) => mesh?,
        () = shutdown.cancelled() => return Ok(()),
    };
    let otlp_endpoint = process.telemetry.otlp_endpoint.as_deref();
    let result = serve(&mut mesh, &data, args.no_demo, otlp_endpoint, &shutdown).await;
    println!("\nStopping …");
    let stopped = mesh.stop().await;
    telemetry.flush().await;
    result.and(stopped)
}

/// Parses `KEY=VALUE`; the key is that of a part of the mesh.
fn assignment(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    if is_key(key) {
        return Ok((key.to_owned(), value.to_owned()));
    }
    let prefixes: Vec<_> = prefixes().collect();
    Err(format!("the key must begin with {}", prefixes.join(", ")))
}

fn is_key(name: &str) -> bool {
    prefixes().any(|prefix| name.starts_with(&prefix))
}

fn prefixes() -> impl Iterator<Item = String> {
    let parts = SERVICES.into_iter().chain(["gateway", "sandbox"]);
    parts.map(|part| format!("{}__", part.to_uppercase()))
}

/// Loads the demo data at the first start, then runs until a signal or until a service fails.
async fn serve(
    mesh: &mut Mesh,
    data: &Path,
    no_demo: bool,
    otlp_endpoint: Option<&str>,
    shutdown: &Shutdown,
) -> Result<()> {
    let marker = data.join("demo-loaded");
    if !no_demo && !marker.exists() {
        println!("Loading demo data …");
        tokio::select! {
            loaded = load_demo(mesh) => loaded.context("the demo data could not be loaded")?,
            () = shutdown.cancelled() => return Ok(()),
        }
        std::fs::write(&marker, "")?;
    } else if !no_demo {
        let auth = mesh.auth_config()?;
        demo::complete_admin(&auth, mesh.environment().clone()).await?;
    }
    banner::print(mesh, !no_demo, otlp_endpoint);
    tokio::select! {
        error = mesh.failed() => Err(error),
        () = shutdown.cancelled() => Ok(()),
    }
}

async fn load_demo(mesh: &Mesh) -> Result<()> {
    demo::load(mesh.gateway(), mesh.sandbox().url(), None).await?;
    demo::create_admin(&mesh.auth_config()?, mesh.environment().clone()).await
}

/// Creates the data folder, which only its owner can read, and returns its absolute path.
fn create_folder(path: &Path) -> Result<PathBuf> {
    // Of every file that this process and its servers create.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    private_folder(path)?;
    Ok(path.canonicalize()?)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: RunArgs,
    }

    fn env(args: &[&str], environment: &[(&str, &str)]) -> Vec<(String, String)> {
        let args = Cli::parse_from([&["run"], args].concat()).args;
        args.env(
            environment
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
        )
    }

    fn last<'a>(env: &'a [(String, String)], key: &str) -> Option<&'a str> {
        env.iter()
            .rev()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    #[test]
    fn options_override_the_environment_and_the_environment_the_defaults() {
        let environment = [
            ("GATEWAY__TELEMETRY__LOG", "info"),
            ("BOOKING__BOOKING__PAY_WITHIN_MS", "1000"),
            ("PATH", "/bin"),
        ];
        let found = env(&[], &environment);
        assert_eq!(last(&found, "GATEWAY__TELEMETRY__LOG"), Some("info"));
        assert_eq!(last(&found, "GATEWAY__ADMIN__LISTEN"), Some("127.0.0.1:9100"));
        assert_eq!(last(&found, "PATH"), None);
        let args = [
            "--log=debug",
            "--set=BOOKING__BOOKING__PAY_WITHIN_MS=2000",
            "--set=SANDBOX__PROVIDERS__WEBHOOK_URL=http://localhost/?a=b",
        ];
        let found = env(&args, &environment);
        assert_eq!(last(&found, "GATEWAY__TELEMETRY__LOG"), Some("debug"));
        assert_eq!(last(&found, "BOOKING__BOOKING__PAY_WITHIN_MS"), Some("2000"));
        assert_eq!(
            last(&found, "SANDBOX__PROVIDERS__WEBHOOK_URL"),
            Some("http://localhost/?a=b")
        );
        assert_eq!(last(&env(&[], &[]), "GATEWAY__TELEMETRY__LOG"), Some("warn"));
    }

    #[test]
    fn key_of_no_part_and_text_without_value_are_refused() {
        assert_eq!(
            assignment("GATEWAY__EDGE__MAX_STREAMS"),
            Err("expected KEY=VALUE".to_owned())
        );
        let refused = assignment("BILLING__X=1").unwrap_err();
        assert!(
            refused.contains("PAYMENT__") && refused.contains("SANDBOX__"),
            "{refused}"
        );
    }
}
