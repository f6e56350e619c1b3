//! One process of a service, as a task of the test.

use std::net::{Ipv4Addr, SocketAddr};

use carshare_chassis::config::ServiceConfig;
use carshare_chassis::service::{Roles, Service as _};
use carshare_chassis::{Environment, Shutdown, task};
use carshare_store::{Runner, StoreService};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};

/// A running instance of a service on a free port.
pub struct Instance {
    address: SocketAddr,
    shutdown: Shutdown,
    serving: JoinHandle<anyhow::Result<()>>,
}

impl Instance {
    /// Starts the service with all its roles.
    pub async fn start<S: StoreService>(config: ServiceConfig<S::Config>, environment: Environment) -> Self {
        Self::start_as::<S>(config, environment, Roles::ALL).await
    }

    /// Starts the service without workers: every statement is that of a call.
    pub async fn start_api<S: StoreService>(
        config: ServiceConfig<S::Config>,
        environment: Environment,
    ) -> Self {
        Self::start_as::<S>(config, environment, Roles::API).await
    }

    async fn start_as<S: StoreService>(
        config: ServiceConfig<S::Config>,
        environment: Environment,
        roles: Roles,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let shutdown = Shutdown::new();
        let serving = Runner::<S>::serve(config, environment, Some(listener), shutdown.clone(), roles);
        Self {
            address,
            shutdown,
            serving: task::spawn(S::NAME, serving),
        }
    }

    /// Returns a channel that connects at the first call.
    pub fn channel(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address))
            .expect("a URI")
            .connect_lazy()
    }

    /// Shuts the instance down gracefully.
    pub async fn stop(self) {
        self.shutdown.trigger();
        let served = self.serving.await.expect("the instance does not panic");
        served.expect("the instance stops in order");
    }
}
