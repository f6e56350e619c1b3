//! Memory and CPU time of a process, from `/proc` of Linux.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Clock ticks per second of `/proc`; 100 on every Linux that Rust supports.
const TICKS: u64 = 100;

pub(super) fn resident_bytes(id: u32) -> Result<u64> {
    kib_of(id, "status", "VmRSS:")
}

/// Returns the user and system time of a process.
pub(super) fn cpu(id: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The process name, in parentheses, may contain any characters; numbers follow it.
    let (_, rest) = stat.rsplit_once(')').context("an unreadable stat")?;
    let ticks = |field: usize| -> Result<u64> {
        Ok(rest
            .split_ascii_whitespace()
            .nth(field)
            .context("a short stat")?
            .parse()?)
    };
    Ok(Duration::from_millis((ticks(11)? + ticks(12)?) * 1000 / TICKS))
}

/// Returns the private memory of all descendants of `ancestor` with one of these names. The resident memory of PostgreSQL's
/// processes would count their shared memory once for each.
pub(super) fn private_bytes_of(names: &[&str], ancestor: u32) -> Result<u64> {
    let mut total = 0;
    for entry in fs::read_dir("/proc")? {
        let Some(id) = entry?
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        let named =
            fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|comm| names.contains(&comm.trim()));
        if named && descends(id, ancestor) {
            // The process may have ended in the meantime.
            total += kib_of(id, "smaps_rollup", "Private_Dirty:").unwrap_or(0);
        }
    }
    Ok(total)
}

fn descends(mut id: u32, ancestor: u32) -> bool {
    while id > 1 {
        if id == ancestor {
            return true;
        }
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let parent = status
            .lines()
            .find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok());
        id = parent.unwrap_or(0);
    }
    false
}

fn kib_of(id: u32, file: &str, field: &str) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/{file}"))?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .context("no such field")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_cpu_and_ancestry_of_this_process_are_read() {
        let id = std::process::id();
        assert!(resident_bytes(id).expect("memory") > 1_000_000);
        assert!(cpu(id).is_ok());
        assert!(descends(id, id) && !descends(1, id));
    }
}
