//! One process of the service: its own runtime, which can be stopped at any point.

use std::net::SocketAddr;
use std::sync::Arc;

use carshare_chassis::config::ServiceConfig;
use carshare_chassis::service::Roles;
use carshare_chassis::{Environment, Shutdown, task};
use carshare_payment::provider::toss::TossClient;
use carshare_payment::{App, Config, Payment};
use carshare_store::{EventTransport, Runner};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::paused_provider::PausedProvider;

pub struct Instance {
    pub address: SocketAddr,
    pub provider: Arc<PausedProvider>,
    shutdown: Shutdown,
    running: Option<JoinHandle<anyhow::Result<()>>>,
    runtime: Option<Runtime>,
}

impl Instance {
    pub async fn start(config: &ServiceConfig<Config>, environment: &Environment) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let (config, environment, shutdown) = (config.clone(), environment.clone(), Shutdown::new());
        let stop = shutdown.clone();
        let starting = runtime.spawn(async move {
            let toss = TossClient::new(&config.service.toss, environment.clone()).unwrap();
            let provider = Arc::new(PausedProvider::new(toss));
            let app = App::new(&config.service, environment, provider.clone()).unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let serving = async move {
                let events = EventTransport {
                    redis: config.service.redis,
                    publishers: Vec::new(),
                };
                Runner::<Payment>::serve_app(app, &config.common, events, Some(listener), stop, Roles::ALL)
                    .await
            };
            (address, provider, task::spawn("payment", serving))
        });
        let (address, provider, running) = starting.await.unwrap();
        Self {
            address,
            provider,
            shutdown,
            running: Some(running),
            runtime: Some(runtime),
        }
    }

    /// Shuts the process down gracefully.
    pub async fn stop(mut self) {
        self.shutdown.trigger();
        self.running.take().unwrap().await.unwrap().unwrap();
    }
}

impl Drop for Instance {
    /// Crashes the process, as `kill -9` does: no task continues after its current poll.
    fn drop(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}
