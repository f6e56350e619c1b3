//! Captured output of a child process.

use std::io::{BufRead, BufReader, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

/// Lines of standard output and standard error, in the order of arrival. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Logs(Arc<Captured>);

#[derive(Debug, Default)]
struct Captured {
    lines: Mutex<Vec<String>>,
    /// Number of outputs that have not reached their end.
    open: AtomicUsize,
}

impl Logs {
    /// Reads `output` to its end on a thread.
    pub(super) fn follow(&self, output: impl Read + Send + 'static) {
        let captured = Arc::clone(&self.0);
        captured.open.fetch_add(1, Ordering::SeqCst);
        std::thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                captured
                    .lines
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(line);
            }
            captured.open.fetch_sub(1, Ordering::SeqCst);
        });
    }

    /// Returns whether every output has reached its end, so that no line will be added.
    pub(super) fn is_complete(&self) -> bool {
        self.0.open.load(Ordering::SeqCst) == 0
    }

    /// Returns every line, without line breaks; invalid UTF-8 is replaced.
    pub fn lines(&self) -> Vec<String> {
        let lines = self.0.lines.lock();
        lines.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the lines that are JSON objects, parsed.
    pub fn json(&self) -> Vec<Value> {
        let parsed = self
            .lines()
            .into_iter()
            .filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        parsed.filter(Value::is_object).collect()
    }

    /// Returns whether any line contains `text`.
    pub fn contain(&self, text: &str) -> bool {
        self.lines().iter().any(|line| line.contains(text))
    }

    /// Returns the last 20 lines, for an error message.
    pub fn tail(&self) -> String {
        let lines = self.lines();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}
