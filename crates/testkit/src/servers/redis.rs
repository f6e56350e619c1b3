//! A Redis server of our own.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use redis::AsyncConnectionConfig;
use tokio::time::{Instant, sleep};

use super::postgres::{log_tail, on_path};
use super::supervisor::Supervisor;
use super::{Options, free_port, temp_dir};

const READY_WITHIN: Duration = Duration::from_secs(20);
const ATTEMPTS: u32 = 5;

/// A Redis server that belongs to this process, with 512 logical databases, on 127.0.0.1 only.
pub struct PrivateRedis {
    supervisor: Supervisor,
    folder: PathBuf,
    port: u16,
}

impl PrivateRedis {
    /// Starts `redis-server` from the PATH and waits until it answers. Persistent ones append every write to a file.
    pub async fn start(options: Options) -> Result<Self> {
        let program = on_path("redis-server")
            .context("Redis is not installed (Debian: apt-get install redis-server)")?;
        let folder = folder_of("redis", &options)?;
        let folder_text = folder.to_string_lossy().into_owned();
        let supervisor = Supervisor::start(
            include_str!("redis.sh"),
            &folder,
            &[
                ("SERVER", &program.to_string_lossy()),
                ("APPENDONLY", if options.persistent { "yes" } else { "no" }),
                ("END", if options.persistent { "TERM" } else { "KILL" }),
                (
                    "REMOVE",
                    if options.persistent || options.dir.is_some() {
                        ""
                    } else {
                        &folder_text
                    },
                ),
            ],
        )?;
        let mut server = Self {
            supervisor,
            folder,
            port: 0,
        };
        for _ in 0..ATTEMPTS {
            server.port = options.port.map_or_else(free_port, Ok)?;
            if server.launch().await? {
                return Ok(server);
            }
        }
        bail!(
            "Redis does not start on port {}:\n{}",
            server.port,
            log_tail(&server.folder)
        )
    }

    /// Starts the process and waits until it answers (true) or has given up (false).
    async fn launch(&self) -> Result<bool> {
        self.supervisor.order(format!("start {}", self.port)).await?;
        let client = redis::Client::open(self.url())?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(1)))
            .set_response_timeout(Some(Duration::from_secs(1)));
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if let Ok(mut connection) = client.get_multiplexed_async_connection_with_config(&config).await
                && redis::cmd("PING")
                    .query_async::<String>(&mut connection)
                    .await
                    .is_ok()
            {
                return Ok(true);
            }
            if self.supervisor.ask("alive").await? != "ok" {
                return Ok(false);
            }
            if Instant::now() > deadline {
                bail!(
                    "Redis is not ready after {READY_WITHIN:?}:\n{}",
                    log_tail(&self.folder)
                );
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// URL of its first logical database.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Stops it: data is on disk if it is persistent, the process and a temporary folder are gone.
    pub async fn stop(self) {
        self.supervisor.end().await;
    }

    /// Kills it with signal 9. What was not persistent is lost. [`Self::restart`] brings it back.
    pub async fn kill(&self) -> Result<()> {
        self.supervisor.order("stop KILL").await
    }

    /// Stops it in order (if it runs) and starts it again on the same port.
    pub async fn restart(&self) -> Result<()> {
        self.supervisor.order("stop TERM").await?;
        for _ in 0..ATTEMPTS {
            if self.launch().await? {
                return Ok(());
            }
        }
        bail!(
            "Redis does not come back on port {}:\n{}",
            self.port,
            log_tail(&self.folder)
        )
    }
}

/// The folder that the options ask for, existing and absolute.
pub(super) fn folder_of(kind: &str, options: &Options) -> Result<PathBuf> {
    let Some(dir) = &options.dir else {
        return temp_dir::fresh(kind);
    };
    std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    dir.canonicalize()
        .with_context(|| format!("cannot enter {}", dir.display()))
}
