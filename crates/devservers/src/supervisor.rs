//! The Rust side of `supervisor.sh`: a shell process that runs one server and ends it when this process ends.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};

/// A running supervisor. Dropping the last clone ends it and its server.
#[derive(Clone)]
pub(crate) struct Supervisor(Arc<Mutex<Shell>>);

struct Shell {
    child: Option<Child>,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Supervisor {
    /// Starts the shell for `script` (which defines `prepare` and `launch`) with `variables` in its environment.
    ///
    /// It leads a process group of its own: Ctrl-C in a terminal reaches this process, which drains, and not the server.
    pub(crate) fn start(script: &str, dir: &Path, variables: &[(&str, String)]) -> Result<Self> {
        let script = format!("{script}\n{}", include_str!("scripts/supervisor.sh"));
        let mut command = if variables.iter().any(|(name, _)| *name == "SMALL_DISK_MB") {
            let mut unshare = Command::new("unshare");
            unshare.args(["--mount", "sh"]);
            unshare
        } else {
            Command::new("sh")
        };
        let mut child = command
            .args(["-c", &script])
            .env("FOLDER", dir)
            .env("LOG", dir.join("log"))
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start a shell")?;
        let commands = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().context("the supervisor has no output")?);
        Ok(Self(Arc::new(Mutex::new(Shell {
            child: Some(child),
            commands,
            answers,
        }))))
    }

    /// Sends one command and returns the answer.
    pub(crate) async fn ask(&self, command: impl Into<String>) -> Result<String> {
        let (shell, command) = (self.0.clone(), command.into());
        // Blocking pipes, because a tokio pipe belongs to the runtime of the first test that used it.
        tokio::task::spawn_blocking(move || {
            shell.lock().unwrap_or_else(PoisonError::into_inner).ask(&command)
        })
        .await?
    }

    /// Like [`Self::ask`], where any answer but `ok` is an error.
    pub(crate) async fn order(&self, command: impl Into<String>) -> Result<()> {
        match self.ask(command).await?.as_str() {
            "ok" => Ok(()),
            other => bail!("the supervisor answered {other:?}"),
        }
    }

    /// Ends the supervisor and waits until its server has stopped and its folder is gone.
    pub(crate) async fn end(&self) {
        let shell = self.0.clone();
        let ended =
            tokio::task::spawn_blocking(move || shell.lock().unwrap_or_else(PoisonError::into_inner).end());
        if ended.await.is_err() {
            tracing::warn!("the supervisor could not be awaited");
        }
    }
}

impl Shell {
    fn ask(&mut self, command: &str) -> Result<String> {
        let commands = self.commands.as_mut().context("the supervisor has ended")?;
        writeln!(commands, "{command}").context("the supervisor is gone")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        Ok(answer.trim_end().to_owned())
    }

    fn end(&mut self) {
        self.commands = None;
        if let Some(mut child) = self.child.take() {
            child.wait().ok();
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(mut child) = self.child.take() {
            // Reaps the zombie; the supervisor finishes by itself.
            std::thread::spawn(move || child.wait());
        }
    }
}
