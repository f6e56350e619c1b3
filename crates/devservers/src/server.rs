//! A supervised server process: start on a free port, readiness, kill, restart, stop.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep, timeout};

use crate::credentials::{Password, scram_verifier};
use crate::free_port;
use crate::options::ServerOptions;
use crate::programs::log_tail;
use crate::supervisor::Supervisor;

const START_ATTEMPTS: u32 = 5;
/// A server of the same data that is still stopping releases its lock within this time.
const START_RETRY_DELAY: Duration = Duration::from_millis(300);
const READY_TIMEOUT: Duration = Duration::from_mins(1);
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
const PROBE_INTERVAL: Duration = Duration::from_millis(15);

/// Program of a [`Server`].
pub trait Program {
    /// Name in messages and folders.
    const NAME: &'static str;
    /// Shell functions `prepare` and `launch`.
    const SCRIPT: &'static str;
    /// Signal that stops the server in order.
    const STOP_SIGNAL: &'static str;
    /// Signal that ends the server at once, without a checkpoint.
    const KILL_SIGNAL: &'static str;

    /// Returns the environment variables of the script. Fails if the program is not installed.
    fn variables(options: &ServerOptions) -> Result<Vec<(&'static str, String)>>;

    /// Returns the URL of the server on this port of 127.0.0.1.
    fn url(port: u16, password: &str) -> String;

    /// Returns whether the server at this URL serves a client.
    fn is_ready(url: &str) -> impl Future<Output = bool> + Send;
}

/// A server process and its folder. It ends with this process at the latest.
pub struct Server<P> {
    supervisor: Supervisor,
    dir: PathBuf,
    port: u16,
    password: Password,
    program: PhantomData<fn() -> P>,
}

impl<P: Program> Server<P> {
    /// Prepares the data folder, starts the process and waits until it is ready.
    pub async fn start(options: ServerOptions) -> Result<Self> {
        let dir = options.create_dir(P::NAME)?;
        // Persistent data is written out at the end; temporary data is about to be removed.
        let end_signal = if options.persistent {
            P::STOP_SIGNAL
        } else {
            P::KILL_SIGNAL
        };
        let password = Password::in_folder(&dir)?;
        let mut variables = P::variables(&options)?;
        variables.push(("PASSWORD", password.text.clone()));
        variables.push(("VERIFIER", scram_verifier(&password.text)?));
        variables.push(("IS_NEW", if password.is_new { "yes" } else { "" }.to_owned()));
        variables.push(("END", end_signal.to_owned()));
        variables.push(("REMOVE", options.removed_at_end(&dir)));
        let supervisor = Supervisor::start(P::SCRIPT, &dir, &variables)?;
        if supervisor.ask("prepare").await? != "ok" {
            bail!("{} cannot prepare its data folder:\n{}", P::NAME, log_tail(&dir));
        }
        let mut server = Self {
            supervisor,
            dir,
            port: 0,
            password,
            program: PhantomData,
        };
        for _ in 0..START_ATTEMPTS {
            server.port = options.port.map_or_else(free_port, Ok)?;
            if server.launch().await? {
                return Ok(server);
            }
            sleep(START_RETRY_DELAY).await;
        }
        bail!("{}", server.failure("does not start"))
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the URL with the password.
    pub(crate) fn url_with_password(&self) -> String {
        P::url(self.port, &self.password.text)
    }

    /// Returns the TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends the process at once: every connection breaks. [`Self::restart`] starts it again.
    pub async fn kill(&self) -> Result<()> {
        self.supervisor.order(format!("stop {}", P::KILL_SIGNAL)).await
    }

    /// Stops the process in order, if it runs, and starts it on the same port with the same data.
    pub async fn restart(&self) -> Result<()> {
        self.supervisor.order(format!("stop {}", P::STOP_SIGNAL)).await?;
        for _ in 0..START_ATTEMPTS {
            if self.launch().await? {
                return Ok(());
            }
            sleep(START_RETRY_DELAY).await;
        }
        bail!("{}", self.failure("does not come back"))
    }

    /// Stops the process and waits until it has ended and a temporary folder has been removed.
    pub async fn stop(self) {
        self.supervisor.end().await;
    }

    /// Starts the process and waits until it is ready (true) or has ended (false).
    async fn launch(&self) -> Result<bool> {
        self.supervisor.order(format!("start {}", self.port)).await?;
        let (url, deadline) = (self.url_with_password(), Instant::now() + READY_TIMEOUT);
        loop {
            if timeout(PROBE_TIMEOUT, P::is_ready(&url)).await == Ok(true) {
                return Ok(true);
            }
            if self.supervisor.ask("alive").await? != "ok" {
                return Ok(false);
            }
            if Instant::now() > deadline {
                bail!("{}", self.failure("is not ready"));
            }
            sleep(PROBE_INTERVAL).await;
        }
    }

    fn failure(&self, what: &str) -> String {
        format!(
            "{} {what} on port {}:\n{}",
            P::NAME,
            self.port,
            log_tail(&self.dir)
        )
    }
}
