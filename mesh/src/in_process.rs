//! The whole mesh in this process.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result};
use carshare_auth::Auth;
use carshare_booking::Booking;
use carshare_chassis::service::{Roles, Service};
use carshare_chassis::{Environment, Shutdown, config, task, tls};
use carshare_gateway::Gateway;
use carshare_notification::Notification;
use carshare_payment::Payment;
use carshare_sandbox::Sandbox;
use carshare_store::Runner;
use carshare_vehicle::Vehicle;
use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::dependencies::{Dependencies, SERVICES};
use crate::service_env::{Env, ServiceEnv};
use crate::{Options, ready};

/// Five services, the gateway and their dependencies in this process.
pub struct Mesh {
    dependencies: Dependencies,
    gateway: String,
    environment: Environment,
    auth_env: Env,
    shutdown: Shutdown,
    running: FuturesUnordered<JoinHandle<Result<()>>>,
}

impl Mesh {
    /// Starts everything and waits until the gateway is ready.
    pub async fn start(options: Options) -> Result<Self> {
        tls::install_provider();
        let dependencies = Dependencies::start(&options).await?;
        let (mut listeners, mut addresses) = (BTreeMap::new(), BTreeMap::new());
        for name in SERVICES.into_iter().chain(["gateway"]) {
            let address = if name == "gateway" {
                options.gateway
            } else {
                SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
            };
            let listener = TcpListener::bind(address)
                .await
                .with_context(|| format!("{name} cannot listen on {address}"))?;
            addresses.insert(name, vec![listener.local_addr()?]);
            listeners.insert(name, listener);
        }
        let service_env = ServiceEnv::new(&options, addresses, &options.environment.random)?;
        let gateway = format!("http://{}", reachable(service_env.address("gateway")?));
        dependencies
            .sandbox
            .set_webhook_url(Some(format!("{gateway}/v1/payments/webhook")));
        let mut mesh = Self {
            auth_env: service_env.env("auth", &dependencies)?,
            dependencies,
            gateway,
            environment: options.environment,
            shutdown: Shutdown::new(),
            running: FuturesUnordered::new(),
        };
        mesh.serve::<Runner<Auth>>(&service_env, &mut listeners)?;
        mesh.serve::<Runner<Vehicle>>(&service_env, &mut listeners)?;
        mesh.serve::<Runner<Booking>>(&service_env, &mut listeners)?;
        mesh.serve::<Runner<Payment>>(&service_env, &mut listeners)?;
        mesh.serve::<Runner<Notification>>(&service_env, &mut listeners)?;
        mesh.serve::<Gateway>(&service_env, &mut listeners)?;
        tokio::select! {
            ready = ready::wait(&mesh.gateway) => ready?,
            ended = mesh.running.next() => return Err(ended_early(ended)),
        }
        Ok(mesh)
    }

    fn serve<S: Service>(
        &mut self,
        service_env: &ServiceEnv,
        listeners: &mut BTreeMap<&'static str, TcpListener>,
    ) -> Result<()> {
        let config = configure::<S>(service_env.env(S::NAME, &self.dependencies)?)?;
        let listener = listeners.remove(S::NAME);
        let serving = S::serve(
            config,
            self.environment.clone(),
            listener,
            self.shutdown.clone(),
            Roles::ALL,
        );
        let named = async move { serving.await.with_context(|| format!("{} failed", S::NAME)) };
        self.running.push(task::spawn(S::NAME, named));
        Ok(())
    }

    /// Returns the URL of the gateway.
    pub fn gateway(&self) -> &str {
        &self.gateway
    }

    /// Returns the sandbox, for its request log and faults.
    pub fn sandbox(&self) -> &Sandbox {
        &self.dependencies.sandbox
    }

    pub fn dependencies(&self) -> &Dependencies {
        &self.dependencies
    }

    /// Returns the time of the mesh's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.environment.clock.now()
    }

    /// Returns the configuration of auth, for its operator commands.
    pub fn auth_config(&self) -> Result<carshare_auth::Config> {
        Ok(configure::<Runner<Auth>>(self.auth_env.clone())?.service)
    }

    /// Returns clock, ids and randomness of the mesh.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Waits until a service ends by itself, and returns its error.
    pub async fn failed(&mut self) -> anyhow::Error {
        ended_early(self.running.next().await)
    }

    /// Drains the services, then stops the dependencies.
    pub async fn stop(mut self) -> Result<()> {
        self.shutdown.trigger();
        let mut result = Ok(());
        while let Some(ended) = self.running.next().await {
            result = result.and(ended.context("a service panicked").flatten());
        }
        self.dependencies.stop().await;
        result
    }
}

/// Loads a service's configuration from its defaults and these variables.
fn configure<S: Service>(env: Env) -> Result<config::ServiceConfig<S::Config>> {
    config::load(config::Sources {
        service: S::NAME,
        defaults: S::DEFAULTS,
        file: None,
        env,
    })
}

fn ended_early(ended: Option<Result<Result<()>, tokio::task::JoinError>>) -> anyhow::Error {
    match ended {
        Some(Ok(Err(error))) => error,
        Some(Err(panic)) => anyhow::Error::new(panic),
        Some(Ok(Ok(()))) | None => anyhow::anyhow!("a service ended by itself"),
    }
}

/// Returns an address to connect to: loopback for a server that listens on every interface.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()))
    } else {
        address
    }
}
