//! Folders under `/tmp` that go with the process.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

use super::supervisor::Supervisor;

/// A fresh folder under `/tmp`, removed when this value is dropped or the process dies in any way.
pub struct TempDir {
    path: PathBuf,
    _supervisor: Supervisor,
}

impl TempDir {
    /// Makes `/tmp/carshare-<kind>-…`.
    pub fn create(kind: &str) -> Result<Self> {
        let path = fresh(kind)?;
        let remove = path.to_string_lossy().into_owned();
        let variables = [("REMOVE", remove.as_str()), ("END", "TERM")];
        let supervisor = Supervisor::start(include_str!("folder.sh"), &path, &variables)?;
        Ok(Self {
            path,
            _supervisor: supervisor,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes a new empty folder. Not the system's temporary folder: that may be one that user postgres cannot enter.
pub(super) fn fresh(kind: &str) -> Result<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = PathBuf::from(format!("/tmp/carshare-{kind}-{}-{number}", std::process::id()));
        match std::fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            // Left by a dead process that had our id.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("cannot create {}", path.display())),
        }
    }
}
