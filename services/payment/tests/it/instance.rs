//! One process of the service, as far as a test can have one: its own runtime, which can be ended in the middle of anything.

use std::net::SocketAddr;
use std::sync::Arc;

use carshare_chassis::service::Roles;
use carshare_chassis::{Shutdown, Environment, task};
use carshare_payment::provider::toss::TossClient;
use carshare_payment::{App, Config, serve};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::staged::Staged;

pub struct Instance {
    pub address: SocketAddr,
    pub provider: Arc<Staged>,
    shutdown: Shutdown,
    running: Option<JoinHandle<anyhow::Result<()>>>,
    runtime: Option<Runtime>,
}

impl Instance {
    pub async fn start(config: &Config, environment: &Environment) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let (config, environment, shutdown) = (config.clone(), environment.clone(), Shutdown::new());
        let stop = shutdown.clone();
        let starting = runtime.spawn(async move {
            let provider = Arc::new(Staged::new(TossClient::new(&config.toss, environment.clone()).unwrap()));
            let app = App::new(&config, environment, provider.clone()).unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let serving = async move { serve(app, &config, Some(listener), stop, Roles::ALL).await };
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

    /// Ends in good order.
    pub async fn stop(mut self) {
        self.shutdown.trigger();
        self.running.take().unwrap().await.unwrap().unwrap();
    }
}

impl Drop for Instance {
    /// Dies where it stands, as by `kill -9`: nothing after the next await happens.
    fn drop(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}
