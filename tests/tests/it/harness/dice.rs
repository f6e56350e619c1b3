//! Seeded choices of randomized runs, and their parameters.

use std::time::Duration;

use carshare_chassis::Random;

/// A random source with the choices of one part of the run.
#[derive(Clone)]
pub struct Dice(pub Random);

impl Dice {
    pub fn below(&self, limit: usize) -> usize {
        (self.0.unit() * limit as f64) as usize
    }

    pub fn pick<T: Copy>(&self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    pub fn chance(&self, probability: f64) -> bool {
        self.0.unit() < probability
    }

    /// A duration between `from_ms` and `to_ms`, short ones more often.
    pub fn duration(&self, from_ms: u64, to_ms: u64) -> Duration {
        let part = self.0.unit().powi(2);
        Duration::from_millis(from_ms + ((to_ms - from_ms) as f64 * part) as u64)
    }
}

/// A parameter of `make chaos` or `make fuzz`.
pub fn parameter(name: &str) -> Option<u64> {
    let value = std::env::var_os(name)?.into_string().ok()?;
    (!value.is_empty()).then(|| value.parse().expect("a number"))
}
