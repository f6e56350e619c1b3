//! Exponential backoff with jitter. Delays are real time: locks and servers do not follow the injected clock.

use std::time::Duration;

use carshare_chassis::Random;

/// Delays that double from `initial` up to `max`.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// Delay after the first failure, before jitter.
    pub initial: Duration,
    /// Upper bound of every delay.
    pub max: Duration,
}

impl Backoff {
    /// Between two attempts of a transaction.
    pub(crate) const TRANSACTION: Self = Self {
        initial: Duration::from_millis(10),
        max: Duration::from_millis(500),
    };
    /// While a server is unreachable.
    pub(crate) const RECONNECT: Self = Self {
        initial: Duration::from_millis(50),
        max: Duration::from_secs(2),
    };

    /// Returns the delay after `failures` failures in a row (from 1). Half of it is fixed and half random, so that
    /// processes that failed together do not retry together.
    pub fn delay(self, failures: u32, random: &Random) -> Duration {
        let doubled = self
            .initial
            .saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
        doubled.min(self.max).mul_f64(0.5 + random.unit() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_maximum() {
        let random = Random::seeded(1);
        let backoff = Backoff {
            initial: Duration::from_millis(10),
            max: Duration::from_millis(100),
        };
        for (failures, full_ms) in [(1, 10), (2, 20), (4, 80), (5, 100), (40, 100), (u32::MAX, 100)] {
            let delay = backoff.delay(failures, &random);
            let full = Duration::from_millis(full_ms);
            assert!(delay >= full / 2 && delay <= full, "{failures}: {delay:?}");
        }
    }
}
