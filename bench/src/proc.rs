//! Memory and CPU time of a process, from `/proc` of Linux.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Clock ticks per second of `/proc`; 100 on every Linux that Rust supports.
const TICKS: u64 = 100;

pub fn resident_bytes(id: u32) -> Result<u64> {
    kib_of(id, "status", "VmRSS:")
}

/// A process as `/proc/<id>/stat` shows it.
#[derive(Debug)]
pub struct Process {
    pub id: u32,
    /// The program's name, at most 15 bytes.
    pub name: String,
    parent: u32,
    /// User and system time.
    pub cpu: Duration,
    /// That of its children that have ended.
    pub ended_children_cpu: Duration,
}

impl Process {
    fn read(id: u32) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
        // The process name, in parentheses, may contain any characters; numbers follow it.
        let (head, rest) = stat.rsplit_once(')').context("an unreadable stat")?;
        let (_, name) = head.split_once('(').context("an unreadable stat")?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let field = |index: usize| -> Result<u64> { Ok(fields.get(index).context("a short stat")?.parse()?) };
        let time = |first: usize| -> Result<Duration> {
            Ok(Duration::from_millis(
                (field(first)? + field(first + 1)?) * 1000 / TICKS,
            ))
        };
        Ok(Self {
            id,
            name: name.to_owned(),
            parent: u32::try_from(field(1)?)?,
            cpu: time(11)?,
            ended_children_cpu: time(13)?,
        })
    }
}

/// Returns the user and system time of a process.
pub fn cpu(id: u32) -> Result<Duration> {
    Ok(Process::read(id)?.cpu)
}

/// Lists the descendants of `ancestor`.
pub fn descendants(ancestor: u32) -> Result<Vec<Process>> {
    let ids = fs::read_dir("/proc")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    // A process may have ended in the meantime.
    let all: BTreeMap<u32, Process> = ids.filter_map(|id| Some((id, Process::read(id).ok()?))).collect();
    let descends = |process: &Process| {
        let mut parent = process.parent;
        while parent != ancestor {
            match all.get(&parent) {
                Some(next) => parent = next.parent,
                None => return false,
            }
        }
        true
    };
    let found: Vec<u32> = all
        .values()
        .filter(|process| descends(process))
        .map(|process| process.id)
        .collect();
    let mut all = all;
    Ok(found.into_iter().filter_map(|id| all.remove(&id)).collect())
}

/// Returns the private memory of all descendants of `ancestor` with one of these names. The resident memory of PostgreSQL's
/// processes would count their shared memory once for each.
pub fn private_bytes_of(names: &[&str], ancestor: u32) -> Result<u64> {
    let processes = descendants(ancestor)?.into_iter();
    let named = processes.filter(|process| names.contains(&process.name.as_str()));
    // A process may have ended in the meantime.
    Ok(named
        .map(|process| kib_of(process.id, "smaps_rollup", "Private_Dirty:").unwrap_or(0))
        .sum())
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
    fn memory_cpu_and_children_of_this_process_are_read() {
        let id = std::process::id();
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("a child");
        let found = descendants(id).expect("descendants");
        child.kill().expect("the child runs");
        child.wait().expect("the child ends");
        assert!(
            found
                .iter()
                .any(|process| process.id == child.id() && process.parent == id)
        );
        assert!(found.iter().all(|process| process.id != 1));
        assert!(resident_bytes(id).expect("memory") > 1_000_000);
        assert!(cpu(id).is_ok());
    }
}
