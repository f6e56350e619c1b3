use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Parser as _;
use serde::Deserialize;

use super::*;
use crate::config::Common;

/// A service that records its commands.
struct Recording;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    password: config::Secret,
    table: Option<String>,
}

#[derive(clap::Subcommand)]
enum Extra {
    /// Adds `by` to a counter.
    Count { by: usize },
}

static COUNTED: AtomicUsize = AtomicUsize::new(0);

impl Service for Recording {
    const NAME: &'static str = "recording";
    const DEFAULTS: &'static str =
        "password = \"hunter2\"\n[telemetry]\nlog = \"off\"\n[tls]\ninsecure = true\n";
    type Config = Settings;
    type Command = Extra;

    async fn serve(
        _: ServiceConfig<Settings>,
        _: Environment,
        _: Option<TcpListener>,
        _: Shutdown,
        _: Roles,
    ) -> anyhow::Result<()> {
        anyhow::bail!("not in this test")
    }

    async fn migrate(config: ServiceConfig<Settings>) -> anyhow::Result<()> {
        anyhow::ensure!(config.service.table.as_deref() == Some("bookings"), "no table");
        Ok(())
    }

    async fn command(_: ServiceConfig<Settings>, _: Environment, command: Extra) -> anyhow::Result<()> {
        let Extra::Count { by } = command;
        COUNTED.fetch_add(by, Ordering::SeqCst);
        Ok(())
    }
}

async fn invoke(args: &[&str], env: &[(&str, &str)]) -> anyhow::Result<()> {
    let cli = Cli::try_parse_from(std::iter::once(&"recording").chain(args))?;
    let env = env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    run::<Recording>(cli.role, load::<Recording>(cli.config, env)?).await
}

/// One test, because telemetry starts once in a process.
#[tokio::test]
async fn roles_read_the_configuration_and_run() {
    invoke(&["check-config"], &[]).await.unwrap();
    let unknown = invoke(&["check-config"], &[("RECORDING__TABEL", "x")])
        .await
        .unwrap_err();
    assert!(format!("{unknown:#}").contains("tabel"), "{unknown:#}");
    let open = invoke(&["check-config"], &[("RECORDING__TLS__INSECURE", "false")])
        .await
        .unwrap_err();
    assert_eq!(
        open.to_string(),
        "no certificate is configured and tls.insecure is not set"
    );
    invoke(&["healthcheck"], &[]).await.unwrap_err();

    let settings = |table: Option<&str>| ServiceConfig {
        common: Common::default(),
        service: Settings {
            password: "hunter2".into(),
            table: table.map(str::to_owned),
        },
        files: BTreeMap::new(),
    };
    run_role::<Recording>(Role::Migrate, settings(Some("bookings")), Environment::system())
        .await
        .unwrap();
    run_role::<Recording>(Role::Migrate, settings(None), Environment::system())
        .await
        .unwrap_err();
    let count = Cli::<Extra>::try_parse_from(["recording", "count", "3"]).unwrap();
    run_role::<Recording>(count.role, settings(None), Environment::system())
        .await
        .unwrap();
    assert_eq!(COUNTED.load(Ordering::SeqCst), 3);
}
