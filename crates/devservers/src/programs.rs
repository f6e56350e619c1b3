//! Installed server programs and their log files.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Returns the folder of the newest installed PostgreSQL's programs (Debian, Homebrew), else that of `postgres` on the
/// `PATH`.
pub(crate) fn postgres_bin() -> Result<PathBuf> {
    let debian = versions_in("/usr/lib/postgresql", "");
    let homebrew = ["/opt/homebrew/opt", "/usr/local/opt"]
        .into_iter()
        .flat_map(|root| versions_in(root, "postgresql@"));
    let newest = debian.into_iter().chain(homebrew).max();
    match newest {
        Some((_, bin)) => Ok(bin),
        None => on_path("postgres")
            .and_then(|program| program.parent().map(Path::to_owned))
            .context("PostgreSQL is not installed (Debian: apt-get install postgresql)"),
    }
}

/// Returns `redis-server` on the `PATH`.
pub(crate) fn redis_server() -> Result<PathBuf> {
    on_path("redis-server").context("Redis is not installed (Debian: apt-get install redis-server)")
}

/// Lists the versions installed as `<root>/<prefix><version>/bin`.
fn versions_in(root: &str, prefix: &str) -> Vec<(u32, PathBuf)> {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let versions = entries.filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
        let bin = entry.path().join("bin");
        (bin.join("postgres").exists() && bin.join("initdb").exists()).then_some((version, bin))
    });
    versions.collect()
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|dir| dir.join(program))
        .find(|candidate| candidate.is_file())
}

/// Returns the last 15 lines of the server's log in `dir`, for an error message.
pub(crate) fn log_tail(dir: &Path) -> String {
    let log = std::fs::read(dir.join("log")).unwrap_or_default();
    let text = String::from_utf8_lossy(&log);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
