//! What a process has written: every line, and those that are JSON.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

/// Captured output, in the order of arrival. Clones see the same lines.
#[derive(Debug, Clone, Default)]
pub struct Logs(Arc<Mutex<Vec<String>>>);

impl Logs {
    /// Reads `output` to its end in the background.
    pub(super) fn follow(&self, output: impl Read + Send + 'static) {
        let lines = Arc::clone(&self.0);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
    }

    /// Every line.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The lines that are JSON objects, parsed.
    pub fn json(&self) -> Vec<Value> {
        let parsed = self
            .lines()
            .into_iter()
            .filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        parsed.filter(Value::is_object).collect()
    }

    /// Whether any line holds `text`: for tests that nothing secret is logged.
    pub fn contain(&self, text: &str) -> bool {
        self.lines().iter().any(|line| line.contains(text))
    }

    /// The last lines, for an error message.
    pub fn tail(&self) -> String {
        let lines = self.lines();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}
