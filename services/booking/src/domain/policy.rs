//! What a guest who cancels gets back. The policy is stored with each booking: a new one holds for new bookings only.

use chrono::TimeDelta;

use super::price::share;

/// Everything back when called off early enough, a part of it later, nothing at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancellationPolicy {
    /// Seconds before the start until which all comes back.
    pub full_until_s: i32,
    /// Seconds before the start until which [`Self::part_bps`] come back.
    pub part_until_s: i32,
    /// The part, in basis points.
    pub part_bps: i32,
}

impl CancellationPolicy {
    /// All until 24 hours before the start, half until 3 hours before it.
    pub const STANDARD: Self = Self {
        full_until_s: 24 * 3600,
        part_until_s: 3 * 3600,
        part_bps: 5_000,
    };

    /// Won that come back of `captured_krw` when the guest cancels this long before the start; half a won goes up.
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
    fn standard(#[case] before_start: TimeDelta, #[case] refund: i64) {
        assert_eq!(
            CancellationPolicy::STANDARD.refund_krw(60_001, before_start),
            refund
        );
    }

    proptest! {
        #[test]
        fn cancelling_earlier_never_gives_back_less(captured in 0i64..1_000_000_000, a in -100_000i64..200_000, b in -100_000i64..200_000) {
            let refund = |seconds| CancellationPolicy::STANDARD.refund_krw(captured, TimeDelta::seconds(seconds));
            prop_assert!(refund(a.max(b)) >= refund(a.min(b)));
            prop_assert!((0..=captured).contains(&refund(a)));
        }
    }
}
