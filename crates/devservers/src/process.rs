//! Child processes: start a built binary, read its logs, signal it, wait for its end.

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

const POLL_INTERVAL: Duration = Duration::from_millis(15);

/// Command line and environment of a child process.
#[derive(Debug, Clone, Default)]
pub struct Launch {
    /// Arguments after the program's name.
    pub args: Vec<String>,
    /// The whole environment, except for `PATH` and `HOME`.
    pub env: HashMap<String, String>,
    /// Working folder; that of this process if `None`.
    pub dir: Option<PathBuf>,
}

/// A child process. It is killed when this value is dropped and when this process ends in any way.
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
        // The last is where a program that `make coverage` has built writes its counters.
        for inherited in ["PATH", "HOME", "LLVM_PROFILE_FILE"] {
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

    /// Returns the output so far. It stays readable after the end.
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGKILL and reaps the process: no connection is closed in order.
    pub fn kill_9(&mut self) -> Result<ExitStatus> {
        self.child.kill()?;
        let status = self.child.wait()?;
        self.dismiss_guard();
        Ok(status)
    }

    /// Sends SIGTERM, as Kubernetes does before it stops a pod. [`Self::wait`] returns when the process has ended.
    pub fn terminate(&self) -> Result<()> {
        self.signal("TERM")
    }

    /// Sends SIGSTOP: the process keeps its connections and locks but runs no instruction until [`Self::resume`].
    pub fn suspend(&self) -> Result<()> {
        self.signal("STOP")
    }

    /// Sends SIGCONT, which ends [`Self::suspend`].
    pub fn resume(&self) -> Result<()> {
        self.signal("CONT")
    }

    fn signal(&self, signal: &str) -> Result<()> {
        let sent = Command::new("kill")
            .args(["-s", signal, &self.child.id().to_string()])
            .status()?;
        ensure!(sent.success(), "SIG{signal} could not be sent to {}", self.name);
        Ok(())
    }

    /// Waits until the process has ended by itself and its whole output is in [`Self::logs`].
    pub async fn wait(&mut self, deadline: Duration) -> Result<ExitStatus> {
        let end = Instant::now() + deadline;
        loop {
            if let Some(status) = self.child.try_wait()? {
                self.dismiss_guard();
                // The last output may still be in the pipe, which a grandchild may hold open.
                while !self.logs.is_complete() && Instant::now() < end {
                    sleep(POLL_INTERVAL).await;
                }
                return Ok(status);
            }
            ensure!(
                Instant::now() < end,
                "{} still runs after {deadline:?}:\n{}",
                self.name,
                self.logs.tail()
            );
            sleep(POLL_INTERVAL).await;
        }
    }

    /// Returns the first JSON log line that `wanted` accepts. Fails after `deadline`, or as soon as the process has ended
    /// without it.
    pub async fn wait_for_log(
        &mut self,
        deadline: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        self.wait_for(deadline, |logs| logs.json().into_iter().find(&wanted))
            .await
    }

    /// Waits for an output line that contains `text`. Fails like [`Self::wait_for_log`].
    pub async fn wait_for_line(&mut self, deadline: Duration, text: &str) -> Result<()> {
        self.wait_for(deadline, |logs| logs.contain(text).then_some(()))
            .await
    }

    async fn wait_for<T>(&mut self, deadline: Duration, wanted: impl Fn(&Logs) -> Option<T>) -> Result<T> {
        let end = Instant::now() + deadline;
        loop {
            let ended = self.child.try_wait()?;
            if let Some(found) = wanted(&self.logs) {
                return Ok(found);
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
            sleep(POLL_INTERVAL).await;
        }
    }

    /// Ends the guard before the system can give the id of the reaped process to another one.
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

/// Starts a shell that kills process `id` when the pipe to it closes: a killed test run leaves no processes behind.
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

/// Returns the path of a binary of this workspace in the target folder of the running test. Fails if it is not built
/// (`cargo build --bins`).
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
