//! Folders under `/tmp` that are removed with the process.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

use crate::credentials::private_folder;
use crate::supervisor::Supervisor;

/// A fresh folder under `/tmp`, removed when this value is dropped or the process ends in any way.
pub struct TempDir {
    path: PathBuf,
    _supervisor: Supervisor,
}

impl TempDir {
    /// Creates `/tmp/carshare-<kind>-…`.
    pub fn create(kind: &str) -> Result<Self> {
        let path = create_unique(kind)?;
        let removed = path.to_string_lossy().into_owned();
        let variables = [("REMOVE", removed), ("END", "TERM".to_owned())];
        let supervisor = Supervisor::start(include_str!("scripts/temp_dir.sh"), &path, &variables)?;
        Ok(Self {
            path,
            _supervisor: supervisor,
        })
    }

    /// Returns the absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Creates an empty folder. It is under `/tmp` because the user `postgres` may not enter the system's temporary folder.
pub(crate) fn create_unique(kind: &str) -> Result<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = PathBuf::from(format!("/tmp/carshare-{kind}-{}-{number}", std::process::id()));
        match std::fs::create_dir(&path) {
            Ok(()) => {
                private_folder(&path)?;
                return Ok(path);
            }
            // Left by an earlier process with the same id.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("cannot create {}", path.display())),
        }
    }
}
