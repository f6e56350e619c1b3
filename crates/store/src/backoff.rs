//! Pauses between tries. They are real time: what is waited for (a lock, a server) does not follow the injected clock.

use std::time::Duration;

use carshare_chassis::Random;

/// Grows from `first` to `most` by doubling, with jitter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    /// The first pause, before jitter.
    pub(crate) first: Duration,
    /// The longest pause.
    pub(crate) most: Duration,
}

impl Backoff {
    /// Between two tries of a transaction.
    pub(crate) const TRANSACTION: Self = Self {
        first: Duration::from_millis(10),
        most: Duration::from_millis(500),
    };
    /// While a server is away.
    pub(crate) const RECONNECT: Self = Self {
        first: Duration::from_millis(50),
        most: Duration::from_secs(2),
    };

    /// The pause after the given number of failures (from 1): half of it fixed, half of it random, so that those who
    /// failed together do not come back together.
    pub(crate) fn pause(self, failures: u32, random: &Random) -> Duration {
        let doubled = self
            .first
            .saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
        doubled.min(self.most).mul_f64(0.5 + random.unit() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let random = Random::seeded(1);
        let backoff = Backoff {
            first: Duration::from_millis(10),
            most: Duration::from_millis(100),
        };
        for (failures, full_ms) in [(1, 10), (2, 20), (4, 80), (5, 100), (40, 100), (u32::MAX, 100)] {
            let pause = backoff.pause(failures, &random);
            let full = Duration::from_millis(full_ms);
            assert!(pause >= full / 2 && pause <= full, "{failures}: {pause:?}");
        }
    }
}
