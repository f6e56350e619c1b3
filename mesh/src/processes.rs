//! Every service as a process of its own: the real binaries, to be killed and started again.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use carshare_chassis::tls;
use carshare_devservers::free_port;
use carshare_devservers::process::{Binary, Launch};
use carshare_sandbox::Sandbox;

use crate::dependencies::{Dependencies, SERVICES};
use crate::service_env::ServiceEnv;
use crate::{Options, ready};

pub struct Fleet {
    dependencies: Dependencies,
    service_env: ServiceEnv,
    binaries: PathBuf,
    gateway: String,
    running: BTreeMap<&'static str, Binary>,
}

impl Fleet {
    /// Starts a process for each service and the gateway, from the binaries in `binaries`, and waits until the gateway is
    /// ready.
    pub async fn start(options: Options, binaries: PathBuf) -> Result<Self> {
        tls::install_provider();
        let dependencies = Dependencies::start(&options).await?;
        let mut addresses = BTreeMap::new();
        for name in SERVICES.into_iter().chain(["gateway"]) {
            let port = if name == "gateway" && options.gateway.port() != 0 {
                options.gateway.port()
            } else {
                free_port()?
            };
            addresses.insert(name, SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        }
        let service_env = ServiceEnv::new(&options, addresses, &options.environment.random)?;
        let gateway = format!("http://{}", service_env.address("gateway")?);
        dependencies
            .sandbox
            .set_webhook_url(Some(format!("{gateway}/v1/payments/webhook")));
        let mut fleet = Self {
            dependencies,
            service_env,
            binaries,
            gateway,
            running: BTreeMap::new(),
        };
        for name in SERVICES.into_iter().chain(["gateway"]) {
            fleet.spawn(name)?;
        }
        if let Err(error) = fleet.ready().await {
            return Err(error.context(fleet.last_words().await));
        }
        Ok(fleet)
    }

    /// What those wrote last who have ended by themselves.
    async fn last_words(&mut self) -> String {
        let mut words = Vec::new();
        for (name, binary) in &mut self.running {
            if let Ok(status) = binary.wait(Duration::ZERO).await {
                words.push(format!(
                    "{name} has ended with {status}:\n{}",
                    binary.logs().tail()
                ));
            }
        }
        words.join("\n")
    }

    /// Starts one process, which must not be running.
    pub fn spawn(&mut self, name: &'static str) -> Result<()> {
        let binary = self.run(name, &["serve"])?;
        self.running.insert(name, binary);
        Ok(())
    }

    /// Runs a binary with the configuration of its service, beside the process that serves: `check-config` and the like.
    pub fn run(&self, name: &'static str, args: &[&str]) -> Result<Binary> {
        let launch = Launch {
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            env: self
                .service_env
                .env(name, &self.dependencies)?
                .into_iter()
                .collect(),
            dir: None,
        };
        let path = self.binaries.join(format!("carshare-{name}"));
        Binary::spawn(&path, launch).with_context(|| format!("is {} built?", path.display()))
    }

    /// The process of a service.
    pub fn process(&mut self, name: &str) -> Result<&mut Binary> {
        self.running
            .get_mut(name)
            .with_context(|| format!("{name} does not run"))
    }

    /// Kills one process with signal 9.
    pub fn kill(&mut self, name: &'static str) -> Result<()> {
        let mut binary = self
            .running
            .remove(name)
            .with_context(|| format!("{name} does not run"))?;
        binary.kill_9()?;
        Ok(())
    }

    /// Kills one process and starts it again.
    pub fn restart(&mut self, name: &'static str) -> Result<()> {
        self.kill(name)?;
        self.spawn(name)
    }

    /// Waits until the gateway says that it can serve.
    pub async fn ready(&self) -> Result<()> {
        ready::wait(&self.gateway).await
    }

    /// URL of the gateway.
    pub fn gateway(&self) -> &str {
        &self.gateway
    }

    /// The outside environment, which is in this process.
    pub fn sandbox(&self) -> &Sandbox {
        &self.dependencies.sandbox
    }

    /// What the fleet stands on.
    pub fn dependencies(&self) -> &Dependencies {
        &self.dependencies
    }
}
