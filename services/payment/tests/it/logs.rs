//! Everything this test process logs, kept for the test that searches it.

use std::io::Write;
use std::sync::{LazyLock, Mutex, OnceLock};

static LOGGED: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Mutex::default);

struct Keep;

impl Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Keeps the logs from here on, but for the sandbox's: it is the other side.
pub fn keep() {
    static KEPT: OnceLock<()> = OnceLock::new();
    KEPT.get_or_init(|| {
        let filter = tracing_subscriber::EnvFilter::new(
            "debug,h2=info,hyper_util=info,tower=info,carshare_sandbox=off",
        );
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            .with_writer(|| Keep)
            .init();
    });
}

/// What was logged so far.
pub fn all() -> String {
    String::from_utf8_lossy(&LOGGED.lock().unwrap()).into_owned()
}
