//! Options of a private server.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::credentials::private_folder;
use crate::temp_dir;

/// Data folder, durability and port of a private server. It always listens on 127.0.0.1.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// The folder for data and log. `None`: a fresh one under `/tmp`, removed with the server.
    pub dir: Option<PathBuf>,
    /// Whether writes reach the disk and the folder stays when the server stops.
    pub persistent: bool,
    /// The TCP port; `None` picks a free one.
    pub port: Option<u16>,
    /// Size of a disk of its own for PostgreSQL, mounted at `small` in the folder, to be filled by a test. It is a tmpfs in
    /// the server's own mount namespace, so it needs root and is gone with the server.
    pub small_disk_mb: Option<u32>,
    /// Further settings of PostgreSQL, `name=value`.
    pub settings: Vec<String>,
}

impl ServerOptions {
    /// Data that is removed with the server, on a free port.
    pub fn temporary() -> Self {
        Self::default()
    }

    /// Data that stays in `dir` from run to run, on a free port.
    pub fn persistent(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: Some(dir.into()),
            persistent: true,
            ..Self::default()
        }
    }

    /// Sets the TCP port.
    pub fn on_port(self, port: u16) -> Self {
        Self {
            port: Some(port),
            ..self
        }
    }

    /// Adds a small disk.
    pub fn with_small_disk(self, small_disk_mb: u32) -> Self {
        Self {
            small_disk_mb: Some(small_disk_mb),
            ..self
        }
    }

    /// Adds a setting of PostgreSQL, `name=value`; the value has no spaces.
    pub fn with_setting(mut self, setting: &str) -> Self {
        self.settings.push(setting.to_owned());
        self
    }

    /// Creates the folder for a server of this kind and returns its absolute path.
    pub(crate) fn create_dir(&self, kind: &str) -> Result<PathBuf> {
        let Some(dir) = &self.dir else {
            return temp_dir::create_unique(kind);
        };
        private_folder(dir)?;
        dir.canonicalize()
            .with_context(|| format!("cannot enter {}", dir.display()))
    }

    /// Returns the folder that the supervisor removes at the end: `dir` if it is temporary, else the empty string.
    pub(crate) fn removed_at_end(&self, dir: &Path) -> String {
        if self.persistent || self.dir.is_some() {
            return String::new();
        }
        dir.to_string_lossy().into_owned()
    }
}
