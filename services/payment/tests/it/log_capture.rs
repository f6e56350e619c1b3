//! Captures the logs of this test process, for the test that searches them for secrets.

use std::io::Write;
use std::sync::{LazyLock, Mutex, OnceLock};

static CAPTURED: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Mutex::default);

struct Writer;

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        CAPTURED.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Starts to capture logs, except those of the sandbox, which is not part of the service.
pub fn start() {
    static STARTED: OnceLock<()> = OnceLock::new();
    STARTED.get_or_init(|| {
        let filter = tracing_subscriber::EnvFilter::new(
            "debug,h2=info,hyper_util=info,tower=info,carshare_sandbox=off",
        );
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            .with_writer(|| Writer)
            .init();
    });
}

/// Returns the logs captured so far.
pub fn text() -> String {
    String::from_utf8_lossy(&CAPTURED.lock().unwrap()).into_owned()
}
