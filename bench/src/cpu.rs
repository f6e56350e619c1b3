//! CPU time and memory of every server process, by name.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;

use crate::proc;

/// Names of the server processes in reports, and in `/proc`, which keeps 15 bytes.
const SERVERS: [(&str, &str); 10] = [
    ("gateway", "carshare-gatewa"),
    ("auth", "carshare-auth"),
    ("vehicle", "carshare-vehicl"),
    ("booking", "carshare-bookin"),
    ("payment", "carshare-paymen"),
    ("notification", "carshare-notifi"),
    ("all in one", "carshare"),
    ("PostgreSQL", "postgres"),
    ("Redis", "redis-server"),
    ("nginx", "nginx"),
];

/// CPU time by server.
pub type Usage = BTreeMap<&'static str, Duration>;

/// Returns the CPU time so far of each server that this process started.
pub fn usage() -> Result<Usage> {
    let mut usage = Usage::new();
    for process in proc::descendants(std::process::id())? {
        if let Some(name) = server(&process.name) {
            // Ended children of a server are counted by their parent: PostgreSQL's autovacuum workers.
            *usage.entry(name).or_default() += process.cpu + process.ended_children_cpu;
        }
    }
    Ok(usage)
}

/// Returns the difference of two usages.
pub fn since(before: &Usage) -> Result<Usage> {
    let mut usage = usage()?;
    for (name, time) in &mut usage {
        *time = time.saturating_sub(before.get(name).copied().unwrap_or_default());
    }
    Ok(usage)
}

/// Returns the resident memory of the mesh's processes, in bytes. PostgreSQL and Redis are not counted.
pub fn resident_bytes() -> Result<u64> {
    let mut total = 0;
    for process in proc::descendants(std::process::id())? {
        if server(&process.name).is_some() && process.name.starts_with("carshare") {
            total += proc::resident_bytes(process.id)?;
        }
    }
    Ok(total)
}

fn server(process: &str) -> Option<&'static str> {
    let found = SERVERS.iter().find(|(_, name)| *name == process);
    found.map(|(name, _)| *name)
}
