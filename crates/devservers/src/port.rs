//! Free TCP ports for servers.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

/// Ports that no system gives to outgoing connections (Linux begins at 32,768, macOS at 49,152), so that a server that
/// was killed finds its port free when it is started again.
const PORTS: Range<u16> = 16_000..32_000;

/// Returns a TCP port of 127.0.0.1 that no server listens on. Another process may take it before the caller does: be
/// ready to ask again.
pub fn free_port() -> std::io::Result<u16> {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    // Processes that search at the same time start at different ports.
    let begin = std::process::id().wrapping_mul(257);
    for _ in PORTS {
        let offset = begin.wrapping_add(CALLS.fetch_add(1, Ordering::Relaxed));
        let port = PORTS.start + (offset % PORTS.len() as u32) as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(ErrorKind::AddrNotAvailable.into())
}
