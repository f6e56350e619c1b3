//! Refund of a cancellation by the guest. The policy is stored with each booking, so a new policy applies to new bookings only.

use chrono::TimeDelta;

use super::price::share;

/// Full refund until a time before the start, partial refund until a later time, none after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancellationPolicy {
    /// Limit of the full refund, in seconds before the start.
    pub full_until_s: i32,
    /// Limit of the partial refund, in seconds before the start.
    pub part_until_s: i32,
    /// Partial refund in basis points.
    pub part_bps: i32,
}

impl CancellationPolicy {
    /// Everything until 24 hours before the start, half until 3 hours before it.
    pub const STANDARD: Self = Self {
        full_until_s: 24 * 3600,
        part_until_s: 3 * 3600,
        part_bps: 5_000,
    };

    /// Returns the refund in won of `captured_krw` for a cancellation this long before the start, rounded half up.
    pub fn refund_krw(&self, captured_krw: i64, before_start: TimeDelta) -> i64 {
        if before_start >= TimeDelta::seconds(self.full_until_s.into()) {
            captured_krw
        } else if before_start >= TimeDelta::seconds(self.part_until_s.into()) {
            share(captured_krw, self.part_bps.into())
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(TimeDelta::days(7), 60_001)]
    #[case(TimeDelta::hours(24), 60_001)]
    #[case(TimeDelta::hours(24) - TimeDelta::microseconds(1), 30_001)]
    #[case(TimeDelta::hours(3), 30_001)]
    #[case(TimeDelta::hours(3) - TimeDelta::microseconds(1), 0)]
    #[case(TimeDelta::zero(), 0)]
    #[case(TimeDelta::hours(-1), 0)]
    fn standard_policy_refunds_by_time_before_start(#[case] before_start: TimeDelta, #[case] refund: i64) {
        assert_eq!(
            CancellationPolicy::STANDARD.refund_krw(60_001, before_start),
            refund
        );
    }

    proptest! {
        #[test]
        fn earlier_cancellation_never_refunds_less(captured in 0i64..1_000_000_000, a in -100_000i64..200_000, b in -100_000i64..200_000) {
            let refund = |seconds| CancellationPolicy::STANDARD.refund_krw(captured, TimeDelta::seconds(seconds));
            prop_assert!(refund(a.max(b)) >= refund(a.min(b)));
            prop_assert!((0..=captured).contains(&refund(a)));
        }
    }
}
