//! One supervised server process: start on a free port, wait until it answers, kill, restart.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep, timeout};

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

/// What differs between PostgreSQL and Redis.
pub(crate) struct Kind {
    pub name: &'static str,
    /// Shell functions `prepare` and `launch`.
    pub script: &'static str,
    /// Signal that stops the server in order.
    pub stop_signal: &'static str,
    /// Signal that ends it at once, without a checkpoint.
    pub kill_signal: &'static str,
}

/// A server process and its folder.
pub(crate) struct Server {
    kind: Kind,
    supervisor: Supervisor,
    dir: PathBuf,
    port: u16,
}

impl Server {
    /// Prepares the data folder, starts the process and returns when `probe` has accepted a port. `variables` are those
    /// of the script.
    pub(crate) async fn start(
        kind: Kind,
        options: &ServerOptions,
        variables: &[(&str, &str)],
        probe: impl AsyncFn(u16) -> bool,
    ) -> Result<Self> {
        let dir = options.create_dir(kind.name)?;
        let removed = options.removed_at_end(&dir);
        // Persistent data is written out at the end; temporary data is about to be removed.
        let end_signal = if options.persistent {
            kind.stop_signal
        } else {
            kind.kill_signal
        };
        let common = [("END", end_signal), ("REMOVE", removed.as_str())];
        let small_disk_mb = options.small_disk_mb.map(|size| size.to_string());
        let disk = small_disk_mb.as_deref().map(|size| ("SMALL_DISK_MB", size));
        let variables: Vec<_> = variables.iter().copied().chain(common).chain(disk).collect();
        let supervisor = Supervisor::start(kind.script, &dir, &variables)?;
        if supervisor.ask("prepare").await? != "ok" {
            bail!(
                "{} cannot prepare its data folder:\n{}",
                kind.name,
                log_tail(&dir)
            );
        }
        let mut server = Self {
            kind,
            supervisor,
            dir,
            port: 0,
        };
        for _ in 0..START_ATTEMPTS {
            server.port = options.port.map_or_else(free_port, Ok)?;
            if server.launch(&probe).await? {
                return Ok(server);
            }
            sleep(START_RETRY_DELAY).await;
        }
        bail!("{}", server.failure("does not start"))
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Ends the process at once. [`Self::restart`] starts it again.
    pub(crate) async fn kill(&self) -> Result<()> {
        self.supervisor
            .order(format!("stop {}", self.kind.kill_signal))
            .await
    }

    /// Stops the process in order, if it runs, and starts it on the same port with the same data.
    pub(crate) async fn restart(&self, probe: impl AsyncFn(u16) -> bool) -> Result<()> {
        self.supervisor
            .order(format!("stop {}", self.kind.stop_signal))
            .await?;
        for _ in 0..START_ATTEMPTS {
            if self.launch(&probe).await? {
                return Ok(());
            }
            sleep(START_RETRY_DELAY).await;
        }
        bail!("{}", self.failure("does not come back"))
    }

    /// Stops the process and waits until it and a temporary folder are gone.
    pub(crate) async fn stop(self) {
        self.supervisor.end().await;
    }

    /// Starts the process and waits until it answers (true) or has ended (false).
    async fn launch(&self, probe: &impl AsyncFn(u16) -> bool) -> Result<bool> {
        self.supervisor.order(format!("start {}", self.port)).await?;
        let deadline = Instant::now() + READY_TIMEOUT;
        loop {
            if timeout(PROBE_TIMEOUT, probe(self.port)).await == Ok(true) {
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
            self.kind.name,
            self.port,
            log_tail(&self.dir)
        )
    }
}
