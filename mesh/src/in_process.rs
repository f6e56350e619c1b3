//! The whole mesh in this process.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result};
use carshare_auth::Auth;
use carshare_chassis::service::Service;
use carshare_chassis::{Environment, LocalNetwork, Shutdown, admin, config, tls};
use carshare_gateway::Gateway;
use carshare_sandbox::Sandbox;
use carshare_store::Runner;
use chrono::{DateTime, Utc};
use tokio::net::TcpListener;

use crate::dependencies::{Dependencies, SERVICES, sandbox_config};
use crate::options::PeerTransport;
use crate::serve_all::readiness;
use crate::service_env::ServiceEnv;
use crate::services::{Configure, Listeners, Services};
use crate::{Options, ready};

/// Five services, the gateway and their dependencies in this process.
pub struct Mesh {
    dependencies: Dependencies,
    gateway: String,
    environment: Environment,
    service_env: ServiceEnv,
    services: Services,
    /// Address of the admin port, if it is configured.
    admin: Option<SocketAddr>,
    admin_shutdown: Shutdown,
}

impl Mesh {
    /// Starts everything and waits until the gateway is ready.
    pub async fn start(options: Options) -> Result<Self> {
        tls::install_provider();
        let dependencies = Dependencies::start(&options).await?;
        let mut listeners = listen("gateway", options.gateway).await?;
        if options.peers == PeerTransport::Tls {
            for name in SERVICES {
                let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                listeners.extend(listen(name, any_port).await?);
            }
        }
        let mut addresses = BTreeMap::new();
        for (name, listener) in &listeners {
            addresses.insert(*name, vec![listener.local_addr()?]);
        }
        let service_env = ServiceEnv::new(&options, addresses, &options.environment.random)?;
        let gateway = format!("http://{}", reachable(service_env.address("gateway")?));
        let webhook_url = sandbox_config(&options)?.webhook_url;
        let webhook_url = webhook_url.unwrap_or_else(|| format!("{gateway}/v1/payments/webhook"));
        dependencies.sandbox.set_webhook_url(Some(webhook_url));
        let configure = FromEnv(&service_env, &dependencies);
        let environment = options.environment;
        let network = LocalNetwork::default();
        let process = configure.load::<Gateway>()?.common;
        let admin_shutdown = Shutdown::new();
        let admin = admin::spawn(&process.admin, readiness(&network), admin_shutdown.clone()).await?;
        let services = Services::start(&configure, listeners, network, environment.clone())?;
        let mut mesh = Self {
            dependencies,
            gateway,
            environment,
            service_env,
            services,
            admin,
            admin_shutdown,
        };
        tokio::select! {
            ready = ready::wait(&mesh.gateway) => ready?,
            error = mesh.services.failed() => return Err(error),
        }
        Ok(mesh)
    }

    /// Returns the URL of the gateway.
    pub fn gateway(&self) -> &str {
        &self.gateway
    }

    /// Returns the address of a service that has a port of its own, as with [`PeerTransport::Tls`].
    pub fn service(&self, name: &str) -> Result<SocketAddr> {
        self.service_env.address(name)
    }

    /// Returns the address of the admin port, `GATEWAY__ADMIN__LISTEN`.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin
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
        let configure = FromEnv(&self.service_env, &self.dependencies);
        Ok(configure.configure::<Runner<Auth>>()?.service)
    }

    /// Returns clock, ids and randomness of the mesh.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Waits until a service ends by itself, and returns its error.
    pub async fn failed(&mut self) -> anyhow::Error {
        self.services.failed().await
    }

    /// Drains the services, then stops the dependencies.
    pub async fn stop(self) -> Result<()> {
        let result = self.services.stop().await;
        self.admin_shutdown.trigger();
        self.dependencies.stop().await;
        result
    }
}

/// Configuration of the services from their defaults and the variables of the mesh.
struct FromEnv<'a>(&'a ServiceEnv, &'a Dependencies);

impl FromEnv<'_> {
    fn load<S: Service>(&self) -> Result<config::ServiceConfig<S::Config>> {
        let Self(service_env, dependencies) = self;
        config::load(config::Sources {
            service: S::NAME,
            defaults: S::DEFAULTS,
            file: None,
            env: service_env.env(S::NAME, dependencies)?,
        })
    }
}

impl Configure for FromEnv<'_> {
    fn configure<S: Service>(&self) -> Result<config::ServiceConfig<S::Config>> {
        let mut config = self.load::<S>()?;
        // The process has one admin port.
        config.common.admin.listen = None;
        Ok(config)
    }
}

async fn listen(name: &'static str, address: SocketAddr) -> Result<Listeners> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("{name} cannot listen on {address}"))?;
    Ok(Listeners::from([(name, listener)]))
}

/// Returns an address to connect to: loopback for a server that listens on every interface.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()))
    } else {
        address
    }
}
