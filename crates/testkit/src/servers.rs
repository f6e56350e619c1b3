//! Private servers: PostgreSQL and Redis processes that belong to this process and never outlive it.
//!
//! Each is run by a small shell supervisor that holds a pipe from us. When the pipe closes, because we stopped, crashed
//! or were killed with signal 9, the supervisor stops the server and removes what was temporary.

mod postgres;
mod redis;
mod supervisor;
mod temp_dir;

pub use postgres::PrivatePostgres;
pub use redis::PrivateRedis;
pub use temp_dir::TempDir;

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// How a private server keeps its data and where it listens (always on 127.0.0.1).
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The folder for data and log. `None`: a fresh one under `/tmp`, removed with the server.
    pub dir: Option<PathBuf>,
    /// Keep the data: writes reach the disk, and the folder stays. Without it speed comes first.
    pub persistent: bool,
    /// The TCP port; `None` picks a free one.
    pub port: Option<u16>,
}

impl Options {
    /// Data that is gone with the process, on a free port.
    pub fn temporary() -> Self {
        Self::default()
    }

    /// Data that stays in `dir` from run to run.
    pub fn persistent(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: Some(dir.into()),
            persistent: true,
            port: None,
        }
    }

    /// The same on a given port.
    pub fn on_port(self, port: u16) -> Self {
        Self {
            port: Some(port),
            ..self
        }
    }
}

/// Ports that no system gives to outgoing connections (Linux begins at 32,768, macOS at 49,152): a server that was killed
/// finds its port free when it comes back.
const PORTS: Range<u16> = 16_000..32_000;

/// A TCP port of 127.0.0.1 that was free a moment ago and that only a server would take. Another one may take it first: be
/// ready to ask again.
pub fn free_port() -> std::io::Result<u16> {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    // Processes that look at the same time look at different places.
    let begin = std::process::id().wrapping_mul(257);
    for _ in PORTS {
        let place = begin.wrapping_add(ASKED.fetch_add(1, Ordering::Relaxed));
        let port = PORTS.start + (place % PORTS.len() as u32) as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(ErrorKind::AddrNotAvailable.into())
}
