//! Exponential backoff.

use std::time::Duration;

use crate::random::Random;

/// Delays that double from `initial` up to `max`.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// Delay after the first failure, before jitter.
    pub initial: Duration,
    /// Upper bound of every delay.
    pub max: Duration,
}

impl Backoff {
    /// While a server is unreachable.
    pub const RECONNECT: Self = Self {
        initial: Duration::from_millis(50),
        max: Duration::from_secs(2),
    };

    /// Returns the delay after `failures` failures in a row (from 1), before jitter.
    pub fn nominal_delay(self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1);
        let doubled = self
            .initial
            .saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX));
        doubled.min(self.max)
    }

    /// Returns the delay after `failures` failures in a row (from 1). Half of it is fixed and half random, so that processes
    /// that failed together do not retry together.
    pub fn delay(self, failures: u32, random: &Random) -> Duration {
        self.nominal_delay(failures).mul_f64(0.5 + random.unit() / 2.0)
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
        for (failures, nominal_ms) in [
            (0, 10),
            (1, 10),
            (2, 20),
            (4, 80),
            (5, 100),
            (40, 100),
            (u32::MAX, 100),
        ] {
            let nominal = Duration::from_millis(nominal_ms);
            assert_eq!(backoff.nominal_delay(failures), nominal, "{failures}");
            let delay = backoff.delay(failures, &random);
            assert!(delay >= nominal / 2 && delay <= nominal, "{failures}: {delay:?}");
        }
    }
}
