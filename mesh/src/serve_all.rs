//! `carshare serve --all`: the five services and the gateway as one process, for an operator with one machine. The services, their
//! guards and their configuration are those of the separate binaries; they call one another in memory.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use carshare_auth::Auth;
use carshare_booking::Booking;
use carshare_chassis::config::{self, Common, ServiceConfig};
use carshare_chassis::health::Readiness;
use carshare_chassis::service::{self, Service};
use carshare_chassis::{Environment, LocalNetwork, Shutdown, admin};
use carshare_gateway::Gateway;
use carshare_notification::Notification;
use carshare_payment::Payment;
use carshare_store::Runner;
use carshare_vehicle::Vehicle;
use serde_json::{Map, Value};
use tokio::net::TcpListener;

use crate::dependencies::SERVICES;
use crate::service_env::{Env, memory_uri, peers};
use crate::services::{Configure, Listeners, Services};

/// Sources of the configuration of all services.
pub struct Sources {
    /// Folder with the files `auth.toml`, `gateway.toml` and so on, each of which may be absent.
    pub files: Option<PathBuf>,
    /// The environment: `AUTH__DATABASE__URL`, `GATEWAY__REDIS__URL` and so on.
    pub env: Env,
}

impl Sources {
    fn load<S: Service>(&self) -> Result<ServiceConfig<S::Config>> {
        let file = self.files.as_ref();
        let file = file.map(|folder| folder.join(format!("{}.toml", S::NAME)));
        let prefix = S::NAME.to_uppercase();
        let peers = peers(S::NAME).map(|(key, peer)| (format!("{prefix}__{key}"), memory_uri(peer)));
        let in_memory = peers.filter(|(key, _)| !self.env.iter().any(|(name, _)| name == key));
        config::load(config::Sources {
            service: S::NAME,
            defaults: S::DEFAULTS,
            file: file.filter(|file| file.exists()),
            env: in_memory.chain(self.env.iter().cloned()).collect::<Env>(),
        })
    }

    /// Returns the sections of the gateway that are those of the process: `telemetry`, `admin`, `runtime`, `server`.
    pub fn process(&self) -> Result<Common> {
        Ok(self.load::<Gateway>()?.common)
    }
}

impl Configure for Sources {
    fn configure<S: Service>(&self) -> Result<ServiceConfig<S::Config>> {
        let mut config = self.load::<S>()?;
        // The process has one admin port.
        config.common.admin.listen = None;
        Ok(config)
    }
}

/// Serves until the shutdown fires, then drains: the gateway, then the services, their background work last.
///
/// # Errors
/// An invalid configuration, a port that is taken, or a service that ends by itself.
pub async fn serve(sources: &Sources, environment: Environment, shutdown: Shutdown) -> Result<()> {
    let process = sources.process()?;
    let address = process.server.listen;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    let network = LocalNetwork::default();
    let readiness = readiness(&network);
    let stopped = Shutdown::new();
    let _guard = stopped.token().clone().drop_guard();
    admin::spawn(&process.admin, readiness.clone(), stopped.clone()).await?;
    let listeners = Listeners::from([(Gateway::NAME, listener)]);
    let mut services = Services::start(sources, listeners, network, environment)?;
    let failed = tokio::select! {
        error = services.failed() => Some(error),
        () = shutdown.cancelled() => None,
    };
    readiness.begin_drain();
    let result = services.stop().await;
    match failed {
        Some(error) => Err(error),
        None => result,
    }
}

/// Returns one check for each service, which fails while one of the service's own checks fails.
pub(crate) fn readiness(network: &LocalNetwork) -> Readiness {
    let network = Arc::new(network.clone());
    let mut all = Readiness::new();
    for name in SERVICES {
        let network = Arc::clone(&network);
        all.check(name, move || {
            let served = network
                .readiness()
                .into_iter()
                .find(|(served, _)| *served == name);
            async move {
                let (_, readiness) = served.context("not started")?;
                let report = readiness.report().await;
                let failing: Vec<_> = report
                    .checks
                    .iter()
                    .filter_map(|(check, failure)| Some(format!("{check}: {}", failure.as_ref()?)))
                    .collect();
                anyhow::ensure!(report.is_ready(), "{}", failing.join(", "));
                Ok(())
            }
        });
    }
    all
}

/// Migrates all schemas to those of this binary.
pub async fn migrate(sources: &Sources) -> Result<()> {
    async fn one<S: Service>(sources: &Sources) -> Result<()> {
        S::migrate(sources.load::<S>()?)
            .await
            .with_context(|| format!("{} cannot be migrated", S::NAME))
    }
    one::<Runner<Auth>>(sources).await?;
    one::<Runner<Vehicle>>(sources).await?;
    one::<Runner<Booking>>(sources).await?;
    one::<Runner<Payment>>(sources).await?;
    one::<Runner<Notification>>(sources).await
}

/// Checks the configuration of all services, and returns it by name, with secrets masked.
pub fn check_config(sources: &Sources) -> Result<Value> {
    fn add<S: Service>(sources: &Sources, all: &mut Map<String, Value>) -> Result<()> {
        let config = sources.load::<S>()?;
        all.insert(S::NAME.to_owned(), config::redacted(&config));
        Ok(())
    }
    let mut all = Map::new();
    add::<Runner<Auth>>(sources, &mut all)?;
    add::<Runner<Vehicle>>(sources, &mut all)?;
    add::<Runner<Booking>>(sources, &mut all)?;
    add::<Runner<Payment>>(sources, &mut all)?;
    add::<Runner<Notification>>(sources, &mut all)?;
    add::<Gateway>(sources, &mut all)?;
    // The services are checked when they start: their peers are in this process.
    Gateway::check(sources.load::<Gateway>()?, Environment::system())?;
    Ok(all.into())
}

/// Succeeds when the running process is ready.
pub async fn healthcheck(sources: &Sources) -> Result<()> {
    service::healthcheck(&sources.process()?).await
}
