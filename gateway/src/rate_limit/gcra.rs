//! The generic cell rate algorithm, without a clock: each call adds one interval to a backlog that drains with time. A call that
//! would make the backlog longer than the period (the capacity) is refused.

use std::time::Duration;

/// The decision of one budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LimitDecision {
    /// Calls that would be admitted now.
    pub(super) remaining: u32,
    /// Time until the backlog is empty.
    pub(super) full_in: Duration,
    /// Set when the call is refused: the time after which it would be admitted.
    pub(super) retry_after: Option<Duration>,
}

/// Decides on a call that finds this backlog and adds `interval` to it. `capacity` is the longest backlog.
pub(super) fn decide(interval: Duration, capacity: Duration, backlog: Duration) -> LimitDecision {
    let with_it = backlog + interval;
    let Some(room) = capacity.checked_sub(with_it) else {
        return LimitDecision {
            remaining: 0,
            full_in: backlog,
            retry_after: Some(with_it.saturating_sub(capacity)),
        };
    };
    let remaining = room.as_micros() / interval.as_micros().max(1);
    LimitDecision {
        remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
        full_in: with_it,
        retry_after: None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn decide(limit: u32, period: Duration, backlog: Duration) -> LimitDecision {
        super::decide(period / limit, period, backlog)
    }

    #[test]
    fn budget_may_be_spent_at_once_and_refills_evenly() {
        let first = decide(20, MINUTE, Duration::ZERO);
        assert_eq!(
            (first.remaining, first.full_in, first.retry_after),
            (19, Duration::from_secs(3), None)
        );
        let last = decide(20, MINUTE, Duration::from_secs(57));
        assert_eq!(
            (last.remaining, last.full_in, last.retry_after),
            (0, MINUTE, None)
        );
        let over = decide(20, MINUTE, MINUTE);
        assert_eq!(
            (over.remaining, over.full_in, over.retry_after),
            (0, MINUTE, Some(Duration::from_secs(3)))
        );
    }

    proptest! {
        #[test]
        fn exactly_the_limit_is_admitted_at_once(limit in 1u32..500, seconds in 1u64..4_000) {
            let period = Duration::from_secs(seconds);
            let (mut backlog, mut admitted) = (Duration::ZERO, 0);
            while decide(limit, period, backlog).retry_after.is_none() {
                backlog = decide(limit, period, backlog).full_in;
                admitted += 1;
            }
            prop_assert_eq!(admitted, limit);
        }

        #[test]
        fn call_is_admitted_after_retry_after(limit in 1u32..500, backlog_ms in 0u64..120_000) {
            let backlog = Duration::from_millis(backlog_ms);
            if let Some(after) = decide(limit, MINUTE, backlog).retry_after {
                prop_assert_eq!(decide(limit, MINUTE, backlog.saturating_sub(after)).retry_after, None);
            }
        }
    }
}
