//! Delays of logins after failures, by account and client address.
//!
//! An address delays itself only, so that nobody can lock an account for its owner, who has another one. Against a guess from many
//! addresses the failures of all addresses that never had a success are counted together too, with a much higher bound. A signed-in user is
//! not delayed by those, but by their own failures at all addresses, so that a stolen token gives no further guesses.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// When failures begin to delay the next attempt, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelayRules {
    /// Consecutive failures of one address without a delay.
    pub free_failures: u32,
    /// Failures of all unknown addresses together, in [`Self::unknown_window`], without a delay.
    pub free_unknown_failures: u32,
    /// Time without failures after which an address starts again.
    pub window: Duration,
    /// The same for all unknown addresses together.
    pub unknown_window: Duration,
    pub max_delay: Duration,
}

/// Whom a counter of failures is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Address,
    /// All addresses without a success.
    Unknown,
    /// A signed-in user, at any address.
    User,
}

/// A stored counter of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    pub count: u32,
    /// Earliest time of the next attempt.
    pub retry_at: Option<DateTime<Utc>>,
    pub failed_at: Option<DateTime<Utc>>,
}

/// What an attempt has to do before the password is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Nothing.
    Free,
    /// Take the only attempt until this time, so that concurrent attempts are not free.
    Claim { until: DateTime<Utc> },
    /// Wait.
    Delayed(Duration),
}

impl DelayRules {
    /// Returns the delay after the failure number `count`: 1 s, 2 s, 4 s … after the free ones.
    pub fn delay(&self, scope: Scope, count: u32) -> Option<Duration> {
        let free = match scope {
            Scope::Address | Scope::User => self.free_failures,
            Scope::Unknown => self.free_unknown_failures,
        };
        let doublings = count.checked_sub(free)?.checked_sub(1)?;
        let delay = Duration::from_secs(1).saturating_mul(1 << doublings.min(30));
        Some(delay.min(self.max_delay))
    }

    /// Returns the time before which failures do not count any more.
    pub fn begin(&self, scope: Scope, now: DateTime<Utc>) -> DateTime<Utc> {
        now - match scope {
            Scope::Address | Scope::User => self.window,
            Scope::Unknown => self.unknown_window,
        }
    }

    /// Decides about an attempt by the counter of its scope.
    pub fn admit(&self, scope: Scope, failures: &Failures, now: DateTime<Utc>) -> Admission {
        let is_old = failures.failed_at.is_none_or(|at| at < self.begin(scope, now));
        let Some(retry_at) = failures.retry_at else {
            return Admission::Free;
        };
        if let Ok(left) = (retry_at - now).to_std()
            && !left.is_zero()
        {
            return Admission::Delayed(left);
        }
        match self.delay(scope, failures.count + 1) {
            Some(delay) if !is_old => Admission::Claim { until: now + delay },
            _ => Admission::Free,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const RULES: DelayRules = DelayRules {
        free_failures: 3,
        free_unknown_failures: 100,
        window: Duration::from_hours(24),
        unknown_window: Duration::from_hours(1),
        max_delay: Duration::from_mins(1),
    };

    #[test]
    fn delay_grows_from_the_fourth_failure_to_its_bound() {
        let seconds = |scope, count| RULES.delay(scope, count).map(|delay| delay.as_secs());
        let of_address = [0, 3, 4, 5, 6, 9, 10, 11, 40, u32::MAX].map(|count| seconds(Scope::Address, count));
        let expected = [
            None,
            None,
            Some(1),
            Some(2),
            Some(4),
            Some(32),
            Some(60),
            Some(60),
            Some(60),
            Some(60),
        ];
        assert_eq!(of_address, expected);
        let of_unknown = [100, 101, 102].map(|count| seconds(Scope::Unknown, count));
        assert_eq!(of_unknown, [None, Some(1), Some(2)]);
    }

    #[test]
    fn attempts_are_free_delayed_or_one_at_a_time() {
        let now: DateTime<Utc> = "2026-11-22T12:00:00Z".parse().unwrap();
        let at = |seconds| Some(now + TimeDelta::seconds(seconds));
        let table = [
            // failures, next attempt, last failure, expected
            (0, None, None, Admission::Free),
            (3, None, at(-1), Admission::Free),
            (5, at(1), at(-1), Admission::Delayed(Duration::from_secs(1))),
            (
                5,
                at(0),
                at(-2),
                Admission::Claim {
                    until: now + TimeDelta::seconds(4),
                },
            ),
            (
                5,
                at(-9),
                at(-11),
                Admission::Claim {
                    until: now + TimeDelta::seconds(4),
                },
            ),
            // After a day the failures are forgotten.
            (5, at(-86_400), at(-86_402), Admission::Free),
        ];
        for (count, retry_at, failed_at, expected) in table {
            let failures = Failures {
                count,
                retry_at,
                failed_at,
            };
            assert_eq!(
                RULES.admit(Scope::Address, &failures, now),
                expected,
                "{failures:?}"
            );
        }
    }
}
