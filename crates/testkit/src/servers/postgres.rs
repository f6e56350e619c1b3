//! A PostgreSQL server of our own.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tokio::time::{Instant, sleep, timeout};

use super::supervisor::Supervisor;
use super::{Options, free_port};

const READY_WITHIN: Duration = Duration::from_mins(1);
const ATTEMPTS: u32 = 5;

/// A PostgreSQL server that belongs to this process. Local users are trusted; it listens on 127.0.0.1 only.
pub struct PrivatePostgres {
    supervisor: Supervisor,
    folder: PathBuf,
    port: u16,
}

impl PrivatePostgres {
    /// Finds the installed PostgreSQL, makes a cluster if there is none yet, starts it and waits until it answers.
    pub async fn start(options: Options) -> Result<Self> {
        let bin = locate()?;
        let folder = super::redis::folder_of("postgres", &options)?;
        let folder_text = folder.to_string_lossy().into_owned();
        // Commits stay synchronous in any case: what was committed must survive a crash of the server (not of the machine).
        let durability = if options.persistent {
            ""
        } else {
            "-c fsync=off -c full_page_writes=off"
        };
        let supervisor = Supervisor::start(
            include_str!("postgres.sh"),
            &folder,
            &[
                ("BIN", &bin.to_string_lossy()),
                ("DURABILITY", durability),
                // Persistent data is checkpointed; the rest is about to be removed anyway.
                ("END", if options.persistent { "INT" } else { "QUIT" }),
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
        if supervisor.ask("prepare").await? != "ok" {
            bail!(
                "PostgreSQL could not make its data folder:\n{}",
                log_tail(&folder)
            );
        }
        let mut server = Self {
            supervisor,
            folder,
            port: 0,
        };
        server.launch(options.port).await?;
        Ok(server)
    }

    /// Starts on the given port, or on a free one: somebody may take it before PostgreSQL does, so try a few.
    async fn launch(&mut self, port: Option<u16>) -> Result<()> {
        for _ in 0..ATTEMPTS {
            self.port = port.map_or_else(free_port, Ok)?;
            self.supervisor.order(format!("start {}", self.port)).await?;
            if self.ready().await? {
                return Ok(());
            }
            // A server of the same data that is still stopping gives its lock back soon.
            sleep(Duration::from_millis(500)).await;
        }
        bail!(
            "PostgreSQL does not start on port {}:\n{}",
            self.port,
            log_tail(&self.folder)
        )
    }

    /// Waits until it answers (true) or has given up (false).
    async fn ready(&self) -> Result<bool> {
        let options = PgConnectOptions::from_str(&self.admin_url())?;
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if let Ok(Ok(connection)) = timeout(Duration::from_secs(2), options.connect()).await {
                connection.close().await.ok();
                return Ok(true);
            }
            if self.supervisor.ask("alive").await? != "ok" {
                return Ok(false);
            }
            if Instant::now() > deadline {
                bail!(
                    "PostgreSQL is not ready after {READY_WITHIN:?}:\n{}",
                    log_tail(&self.folder)
                );
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// URL of the superuser on database `postgres`.
    pub fn admin_url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Stops it: open transactions are rolled back, data is on disk, the process and a temporary folder are gone.
    pub async fn stop(self) {
        self.supervisor.end().await;
    }

    /// Crashes it: every connection breaks at once and nothing is written out. [`Self::restart`] brings it back.
    pub async fn kill(&self) -> Result<()> {
        self.supervisor.order("stop QUIT").await
    }

    /// Stops it in order (if it runs) and starts it again on the same port with the same data.
    pub async fn restart(&self) -> Result<()> {
        self.supervisor.order("stop INT").await?;
        for _ in 0..ATTEMPTS {
            self.supervisor.order(format!("start {}", self.port)).await?;
            if self.ready().await? {
                return Ok(());
            }
            sleep(Duration::from_millis(200)).await;
        }
        bail!(
            "PostgreSQL does not come back on port {}:\n{}",
            self.port,
            log_tail(&self.folder)
        )
    }
}

/// The newest installed PostgreSQL's programs, or those on the PATH.
fn locate() -> Result<PathBuf> {
    let debian = folders_in("/usr/lib/postgresql", "");
    let homebrew = ["/opt/homebrew/opt", "/usr/local/opt"]
        .into_iter()
        .flat_map(|root| folders_in(root, "postgresql@"));
    let newest = debian.into_iter().chain(homebrew).max();
    match newest {
        Some((_, bin)) => Ok(bin),
        None => on_path("postgres")
            .and_then(|program| program.parent().map(Path::to_owned))
            .context("PostgreSQL is not installed (Debian: apt-get install postgresql)"),
    }
}

/// Versions installed as `<root>/<prefix><version>/bin`.
fn folders_in(root: &str, prefix: &str) -> Vec<(u32, PathBuf)> {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let versions = entries.filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
        let bin = entry.path().join("bin");
        (bin.join("postgres").exists() && bin.join("initdb").exists()).then_some((version, bin))
    });
    versions.collect()
}

/// Where a program is on the PATH.
pub(super) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

/// The end of the server's log, for an error message.
pub(super) fn log_tail(folder: &Path) -> String {
    let log = std::fs::read(folder.join("log")).unwrap_or_default();
    let text = String::from_utf8_lossy(&log);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
