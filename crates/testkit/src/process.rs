//! Built binaries as real processes: started, read, stopped politely or killed.

mod logs;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::time::{Instant, sleep};

pub use logs::Logs;

/// Arguments and environment of a process.
#[derive(Debug, Clone, Default)]
pub struct Launch {
    /// Arguments after the program's name.
    pub args: Vec<String>,
    /// The whole environment, except for `PATH` and `HOME`.
    pub env: HashMap<String, String>,
    /// Working folder; ours if `None`.
    pub dir: Option<PathBuf>,
}

/// A running binary. Dropping it, or the death of this process in any way, kills it.
pub struct Binary {
    child: Child,
    guard: Option<Child>,
    logs: Logs,
    name: String,
}

impl Binary {
    /// Starts the program at `path`; its standard output and error are captured as [`Logs`].
    pub fn spawn(path: impl AsRef<Path>, launch: Launch) -> Result<Self> {
        let path = path.as_ref();
        let name = path
            .file_name()
            .unwrap_or(OsStr::new("binary"))
            .to_string_lossy()
            .into_owned();
        let mut command = Command::new(path);
        command
            .args(&launch.args)
            .env_clear()
            .envs(&launch.env)
            .stdin(Stdio::null());
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        for inherited in ["PATH", "HOME"] {
            if let Some(value) = std::env::var_os(inherited) {
                command.env(inherited, value);
            }
        }
        if let Some(dir) = &launch.dir {
            command.current_dir(dir);
        }
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", path.display()))?;
        let logs = Logs::default();
        logs.follow(child.stdout.take().context("no standard output")?);
        logs.follow(child.stderr.take().context("no standard error")?);
        let guard = Some(guard(child.id())?);
        Ok(Self {
            child,
            guard,
            logs,
            name,
        })
    }

    /// What it has written so far.
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it with signal 9 and reaps it: nothing of its own runs any more, no connection is closed in order.
    pub fn kill_9(&mut self) -> Result<ExitStatus> {
        self.child.kill()?;
        let status = self.child.wait()?;
        self.dismiss_guard();
        Ok(status)
    }

    /// Asks it to stop, as Kubernetes does (SIGTERM). [`Self::wait`] tells when it has.
    pub fn terminate(&self) -> Result<()> {
        let sent = Command::new("kill")
            .args(["-s", "TERM", &self.child.id().to_string()])
            .status()?;
        ensure!(sent.success(), "{} could not be signalled", self.name);
        Ok(())
    }

    /// Waits until it has ended by itself and all that it wrote is in [`Self::logs`].
    pub async fn wait(&mut self, deadline: Duration) -> Result<ExitStatus> {
        let end = Instant::now() + deadline;
        loop {
            if let Some(status) = self.child.try_wait()? {
                self.dismiss_guard();
                // What it wrote last is still in the pipe; a child of its own may hold that open.
                while !self.logs.is_complete() && Instant::now() < end {
                    sleep(Duration::from_millis(5)).await;
                }
                return Ok(status);
            }
            ensure!(
                Instant::now() < end,
                "{} still runs after {deadline:?}:\n{}",
                self.name,
                self.logs.tail()
            );
            sleep(Duration::from_millis(15)).await;
        }
    }

    /// Waits for a JSON log line that `wanted` accepts and returns it. An end of the process is an error at once.
    pub async fn wait_for_log(
        &mut self,
        deadline: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let end = Instant::now() + deadline;
        loop {
            let ended = self.child.try_wait()?;
            if let Some(line) = self.logs.json().into_iter().find(&wanted) {
                return Ok(line);
            }
            ensure!(
                ended.is_none() || !self.logs.is_complete(),
                "{} ended ({ended:?}):\n{}",
                self.name,
                self.logs.tail()
            );
            ensure!(
                Instant::now() < end,
                "{} did not log that in {deadline:?}:\n{}",
                self.name,
                self.logs.tail()
            );
            sleep(Duration::from_millis(15)).await;
        }
    }

    /// The guard must go before the id of its process can be given to another one.
    fn dismiss_guard(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            guard.kill().ok();
            guard.wait().ok();
        }
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        self.kill_9().ok();
    }
}

/// A shell that kills process `id` when our end of its pipe closes: a killed test run leaves no servers behind.
fn guard(id: u32) -> Result<Child> {
    let script = format!("read -r _; kill -s KILL {id}");
    let mut command = Command::new("sh");
    command
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.process_group(0).spawn().context("cannot start sh")
}

/// The path of a binary of this workspace, built beside the running test. Build it first: `cargo build --bins`.
pub fn built(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    // target/<profile>/deps/<test> or target/<profile>/<binary>
    let found = test
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    found.with_context(|| format!("{name} is not built: cargo build --bin {name}"))
}
