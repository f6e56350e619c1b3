//! Persistence of the ledger in a file, so that billing keys of demo guests survive a restart. The whole file is written
//! after each change, which is cheap for hundreds of payments.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;

use super::Ledger;

impl Ledger {
    /// Reads the ledger of an earlier run, or returns an empty one.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        serde_json::from_slice(&bytes).with_context(|| format!("{} is no sandbox state", path.display()))
    }

    /// Replaces the file atomically: after a crash it has the old or the new content.
    pub(crate) fn save(&self, path: &Path) -> anyhow::Result<()> {
        let fresh = path.with_extension("new");
        fs::write(&fresh, serde_json::to_vec(self)?)
            .with_context(|| format!("writing {}", fresh.display()))?;
        fs::rename(&fresh, path).with_context(|| format!("replacing {}", path.display()))
    }
}
