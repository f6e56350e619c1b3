//! The five services and the gateway in this process, in the order in which they start and stop.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use carshare_auth::Auth;
use carshare_booking::Booking;
use carshare_chassis::service::{Roles, Service};
use carshare_chassis::{Environment, LocalNetwork, Shutdown, config, task};
use carshare_gateway::Gateway;
use carshare_notification::Notification;
use carshare_payment::Payment;
use carshare_store::Runner;
use carshare_vehicle::Vehicle;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Loads the configuration of a service.
pub(crate) trait Configure {
    fn configure<S: Service>(&self) -> Result<config::ServiceConfig<S::Config>>;
}

/// Ports by the name of the service; one without a port is called in memory only.
pub(crate) type Listeners = BTreeMap<&'static str, TcpListener>;

pub(crate) struct Services {
    network: LocalNetwork,
    environment: Environment,
    listeners: Listeners,
    running: FuturesUnordered<JoinHandle<Result<()>>>,
    gateway: Option<JoinHandle<Result<()>>>,
    gateway_shutdown: Shutdown,
    service_shutdown: Shutdown,
}

impl Services {
    /// Starts all. Must run inside the runtime.
    pub(crate) fn start(
        configure: &impl Configure,
        listeners: Listeners,
        network: LocalNetwork,
        environment: Environment,
    ) -> Result<Self> {
        let mut services = Self {
            network,
            environment,
            listeners,
            running: FuturesUnordered::new(),
            gateway: None,
            gateway_shutdown: Shutdown::new(),
            service_shutdown: Shutdown::new(),
        };
        services.serve::<Runner<Auth>>(configure)?;
        services.serve::<Runner<Vehicle>>(configure)?;
        services.serve::<Runner<Booking>>(configure)?;
        services.serve::<Runner<Payment>>(configure)?;
        services.serve::<Runner<Notification>>(configure)?;
        let stop = services.gateway_shutdown.clone();
        services.gateway = Some(services.spawn::<Gateway>(configure, stop)?);
        Ok(services)
    }

    fn serve<S: Service>(&mut self, configure: &impl Configure) -> Result<()> {
        let serving = self.spawn::<S>(configure, self.service_shutdown.clone())?;
        self.running.push(serving);
        Ok(())
    }

    fn spawn<S: Service>(
        &mut self,
        configure: &impl Configure,
        stop: Shutdown,
    ) -> Result<JoinHandle<Result<()>>> {
        let config = configure.configure::<S>()?;
        let environment = self.environment.clone().with_local(self.network.node(S::NAME));
        let listener = self.listeners.remove(S::NAME);
        let serving = S::serve(config, environment, listener, stop, Roles::ALL);
        let named = async move { serving.await.with_context(|| format!("{} failed", S::NAME)) };
        Ok(task::spawn(S::NAME, named))
    }

    /// Waits until a service ends by itself, and returns its error.
    pub(crate) async fn failed(&mut self) -> anyhow::Error {
        let gateway = async {
            match &mut self.gateway {
                Some(gateway) => gateway.await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            ended = gateway => {
                self.gateway = None;
                ended
            }
            Some(ended) = self.running.next() => ended,
        };
        match ended {
            Ok(Err(error)) => error,
            Err(panic) => anyhow::Error::new(panic),
            Ok(Ok(())) => anyhow::anyhow!("a service ended by itself"),
        }
    }

    /// Drains the gateway, then the services, each of which stops its background work last.
    pub(crate) async fn stop(self) -> Result<()> {
        self.gateway_shutdown.trigger();
        let mut result = Ok(());
        if let Some(gateway) = self.gateway {
            result = gateway.await.context("the gateway panicked").flatten();
        }
        self.service_shutdown.trigger();
        let mut running = self.running;
        while let Some(ended) = running.next().await {
            result = result.and(ended.context("a service panicked").flatten());
        }
        result
    }
}
