//! Every service and the gateway as processes of their own: the real binaries, some replicas of each, to be killed, suspended and
//! started again.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use carshare_chassis::tls;
use carshare_devservers::free_port;
use carshare_devservers::process::{Binary, Launch};
use carshare_sandbox::Sandbox;

use crate::dependencies::{Dependencies, SERVICES};
use crate::service_env::{Env, ServiceEnv};
use crate::{Options, ready};

/// A process of the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Replica {
    /// A service, or `gateway`.
    pub service: &'static str,
    /// From 0.
    pub number: usize,
}

impl fmt::Display for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.service, self.number)
    }
}

/// Addresses of a process, the same after a restart.
struct Listen {
    server: SocketAddr,
    admin: SocketAddr,
}

pub struct Fleet {
    dependencies: Dependencies,
    service_env: ServiceEnv,
    binaries: PathBuf,
    listen: BTreeMap<Replica, Listen>,
    running: BTreeMap<Replica, Binary>,
}

impl Fleet {
    /// Starts `replicas` processes of each service and of the gateway, from the binaries in `binaries`, and waits until all are
    /// ready.
    pub async fn start(options: Options, binaries: PathBuf, replicas: usize) -> Result<Self> {
        tls::install_provider();
        let dependencies = Dependencies::start(&options).await?;
        let listen = addresses(&options, replicas)?;
        let mut servers: BTreeMap<&'static str, Vec<SocketAddr>> = BTreeMap::new();
        for (replica, addresses) in &listen {
            servers.entry(replica.service).or_default().push(addresses.server);
        }
        let mut fleet = Self {
            service_env: ServiceEnv::new(&options, servers, &options.environment.random)?,
            dependencies,
            binaries,
            listen,
            running: BTreeMap::new(),
        };
        let webhook = format!("{}/v1/payments/webhook", fleet.gateways()[0]);
        fleet.dependencies.sandbox.set_webhook_url(Some(webhook));
        for replica in fleet.replicas() {
            fleet.spawn(replica)?;
        }
        if let Err(error) = fleet.all_ready().await {
            return Err(error.context(fleet.logs_of_ended().await));
        }
        Ok(fleet)
    }

    /// Sets the folder of the binaries of processes that are started from now on: another release.
    pub fn set_binaries(&mut self, binaries: PathBuf) {
        self.binaries = binaries;
    }

    async fn all_ready(&self) -> Result<()> {
        for replica in self.replicas() {
            ready::wait(&self.admin(replica)?)
                .await
                .with_context(|| format!("{replica} is not ready"))?;
        }
        self.ready().await
    }

    /// The last lines of every process that has ended by itself.
    async fn logs_of_ended(&mut self) -> String {
        let mut logs = Vec::new();
        for (replica, binary) in &mut self.running {
            if let Ok(status) = binary.wait(Duration::ZERO).await {
                logs.push(format!(
                    "{replica} ended with {status}:\n{}",
                    binary.logs().tail()
                ));
            }
        }
        logs.join("\n")
    }

    /// Every process, whether it runs or not.
    pub fn replicas(&self) -> Vec<Replica> {
        self.listen.keys().copied().collect()
    }

    /// The processes of one service, or of the gateway.
    pub fn replicas_of(&self, service: &str) -> Vec<Replica> {
        let replicas = self.replicas().into_iter();
        replicas.filter(|replica| replica.service == service).collect()
    }

    /// Starts one process, which must not be running.
    pub fn spawn(&mut self, replica: Replica) -> Result<()> {
        self.spawn_with(replica, &[], &[])
    }

    /// Starts one process with further arguments of `serve`, such as `--no-worker`, and environment variables.
    pub fn spawn_with(&mut self, replica: Replica, args: &[&str], env: &[(&str, &str)]) -> Result<()> {
        let binary = self.execute(replica, &[&["serve"], args].concat(), env)?;
        self.running.insert(replica, binary);
        Ok(())
    }

    /// Runs a binary with the configuration of a process, beside it: `check-config` and the like.
    pub fn run(&self, replica: Replica, args: &[&str]) -> Result<Binary> {
        self.execute(replica, args, &[])
    }

    fn execute(&self, replica: Replica, args: &[&str], env: &[(&str, &str)]) -> Result<Binary> {
        let listen = self.listen.get(&replica).context("there is no such replica")?;
        let prefix = replica.service.to_uppercase();
        let mut all: Env = self.service_env.env(replica.service, &self.dependencies)?;
        for (key, value) in &mut all {
            if key.ends_with("__DATABASE__URL") {
                // Names the process in `pg_stat_activity`.
                *value = format!("{value}?application_name={replica}");
            }
        }
        all.push((format!("{prefix}__SERVER__LISTEN"), listen.server.to_string()));
        all.push((format!("{prefix}__ADMIN__LISTEN"), listen.admin.to_string()));
        all.extend(env.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())));
        let launch = Launch {
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            env: all.into_iter().collect(),
            dir: None,
        };
        let path = self.binaries.join(format!("carshare-{}", replica.service));
        Binary::spawn(&path, launch).with_context(|| format!("is {} built?", path.display()))
    }

    /// A running process.
    pub fn process(&mut self, replica: Replica) -> Result<&mut Binary> {
        self.running
            .get_mut(&replica)
            .with_context(|| format!("{replica} does not run"))
    }

    /// Kills one process with SIGKILL; it may be suspended.
    pub fn kill(&mut self, replica: Replica) -> Result<()> {
        let mut binary = self
            .running
            .remove(&replica)
            .with_context(|| format!("{replica} does not run"))?;
        binary.kill_9()?;
        Ok(())
    }

    /// Kills one process and starts it again.
    pub fn restart(&mut self, replica: Replica) -> Result<()> {
        self.kill(replica)?;
        self.spawn(replica)
    }

    /// Stops one process with SIGSTOP: it keeps its connections and does nothing, until [`Self::resume`].
    pub fn suspend(&mut self, replica: Replica) -> Result<()> {
        self.process(replica)?.suspend()
    }

    /// Lets a suspended process go on (SIGCONT).
    pub fn resume(&mut self, replica: Replica) -> Result<()> {
        self.process(replica)?.resume()
    }

    /// Waits until every gateway can serve.
    pub async fn ready(&self) -> Result<()> {
        for gateway in self.gateways() {
            ready::wait(&gateway).await?;
        }
        Ok(())
    }

    /// URLs of the gateways.
    pub fn gateways(&self) -> Vec<String> {
        let gateways = self
            .listen
            .iter()
            .filter(|(replica, _)| replica.service == "gateway");
        gateways
            .map(|(_, listen)| format!("http://{}", listen.server))
            .collect()
    }

    /// Address that a process serves on.
    pub fn server(&self, replica: Replica) -> Result<SocketAddr> {
        let listen = self.listen.get(&replica).context("there is no such replica")?;
        Ok(listen.server)
    }

    /// URL of a process's admin port: `/livez`, `/readyz`, `/metrics`.
    pub fn admin(&self, replica: Replica) -> Result<String> {
        let listen = self.listen.get(&replica).context("there is no such replica")?;
        Ok(format!("http://{}", listen.admin))
    }

    /// The providers outside of the mesh, which run in this process.
    pub fn sandbox(&self) -> &Sandbox {
        &self.dependencies.sandbox
    }

    /// Servers and sandbox of the fleet.
    pub fn dependencies(&self) -> &Dependencies {
        &self.dependencies
    }
}

/// Two free ports for each process. The first gateway listens where the options say.
fn addresses(options: &Options, replicas: usize) -> Result<BTreeMap<Replica, Listen>> {
    let mut all = BTreeMap::new();
    let free = || anyhow::Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?)));
    for service in SERVICES.into_iter().chain(["gateway"]) {
        for number in 0..replicas {
            let is_public = service == "gateway" && number == 0 && options.gateway.port() != 0;
            let server = if is_public { options.gateway } else { free()? };
            let admin = free()?;
            all.insert(Replica { service, number }, Listen { server, admin });
        }
    }
    Ok(all)
}
