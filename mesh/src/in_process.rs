//! The whole mesh in this process.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result};
use carshare_auth::Auth;
use carshare_chassis::service::Service;
use carshare_chassis::{Environment, LocalNetwork, config, tls};
use carshare_sandbox::Sandbox;
use carshare_store::Runner;
use chrono::{DateTime, Utc};
use tokio::net::TcpListener;

use crate::dependencies::{Dependencies, SERVICES};
use crate::options::PeerTransport;
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
        dependencies
            .sandbox
            .set_webhook_url(Some(format!("{gateway}/v1/payments/webhook")));
        let configure = FromEnv(&service_env, &dependencies);
        let environment = options.environment;
        let services = Services::start(
            &configure,
            listeners,
            LocalNetwork::default(),
            environment.clone(),
        )?;
        let mut mesh = Self {
            dependencies,
            gateway,
            environment,
            service_env,
            services,
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
        self.dependencies.stop().await;
        result
    }
}

/// Configuration of the services from their defaults and the variables of the mesh.
struct FromEnv<'a>(&'a ServiceEnv, &'a Dependencies);

impl Configure for FromEnv<'_> {
    fn configure<S: Service>(&self) -> Result<config::ServiceConfig<S::Config>> {
        let Self(service_env, dependencies) = self;
        config::load(config::Sources {
            service: S::NAME,
            defaults: S::DEFAULTS,
            file: None,
            env: service_env.env(S::NAME, dependencies)?,
        })
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
