//! Refund of a cancellation by the guest: a ladder of steps before the start. It is stored with each booking, so a new policy applies to
//! new bookings only.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::price::{BASIS_POINTS, share};

/// Steps of a policy at most.
pub const MAX_STEPS: usize = 5;

/// Refund by the time before the start. After the last step nothing is refunded. Stored as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancellationPolicy {
    /// Version among those of the platform or the host.
    pub version: i32,
    /// Whether it is the host's own rather than the platform's.
    pub is_host_policy: bool,
    pub steps: Steps,
}

/// Steps, earliest first: each is later than the one before, and refunds less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Steps(Vec<Step>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Until when it applies, inclusive, in seconds before the start.
    pub before_start_s: i32,
    /// In basis points of what is captured.
    pub refund_bps: i32,
}

/// Not a ladder: the step with this index is not later than the one before, does not refund less, or is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("step {0} is out of order or out of range")]
pub struct InvalidSteps(pub usize);

/// A policy refunds less than another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{before_start_s} seconds before the start at least {refund_bps} basis points have to be refunded")]
pub struct Harsher {
    pub before_start_s: i32,
    /// What the other one refunds then.
    pub refund_bps: i32,
}

impl Steps {
    /// `InvalidSteps` unless there are at most [`MAX_STEPS`], in order, before the start, with a refund of more than nothing.
    pub fn new(steps: Vec<Step>) -> Result<Self, InvalidSteps> {
        let is_in_range =
            |step: &Step| step.before_start_s >= 0 && (1..=BASIS_POINTS).contains(&step.refund_bps.into());
        let is_next = |step: &Step, previous: &Step| {
            step.before_start_s < previous.before_start_s && step.refund_bps < previous.refund_bps
        };
        for (index, step) in steps.iter().enumerate() {
            let follows = index == 0 || is_next(step, &steps[index - 1]);
            if index >= MAX_STEPS || !is_in_range(step) || !follows {
                return Err(InvalidSteps(index));
            }
        }
        Ok(Self(steps))
    }

    /// Returns the steps of a booking of the releases before policies had versions.
    fn of_columns(full_until_s: i32, part_until_s: i32, part_bps: i32) -> Self {
        let full = Step {
            before_start_s: full_until_s,
            refund_bps: BASIS_POINTS as i32,
        };
        let part = Step {
            before_start_s: part_until_s,
            refund_bps: part_bps,
        };
        Self(vec![full, part])
    }

    pub fn iter(&self) -> impl Iterator<Item = &Step> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the step that applies this long before the start. `None` after the last one.
    fn at(&self, before_start: TimeDelta) -> Option<&Step> {
        self.0
            .iter()
            .find(|step| before_start >= TimeDelta::seconds(step.before_start_s.into()))
    }

    /// Returns the refund in basis points this many seconds before the start.
    fn refund_bps(&self, before_start_s: i32) -> i32 {
        self.at(TimeDelta::seconds(before_start_s.into()))
            .map_or(0, |step| step.refund_bps)
    }

    /// Refuses steps that refund less than `other` at any time. Between two bounds of either both are constant, so the bounds decide.
    pub fn check_not_harsher_than(&self, other: &Self) -> Result<(), Harsher> {
        let bounds = self.0.iter().chain(&other.0).map(|step| step.before_start_s);
        let harsher = bounds.filter(|bound| self.refund_bps(*bound) < other.refund_bps(*bound));
        match harsher.max() {
            Some(before_start_s) => Err(Harsher {
                before_start_s,
                refund_bps: other.refund_bps(before_start_s),
            }),
            None => Ok(()),
        }
    }
}

impl CancellationPolicy {
    /// That of a booking whose insertion decides it.
    pub const UNDECIDED: Self = Self {
        version: 0,
        is_host_policy: false,
        steps: Steps(Vec::new()),
    };

    /// Returns the policy of a booking of the releases before policies had versions.
    pub fn of_columns(full_until_s: i32, part_until_s: i32, part_bps: i32) -> Self {
        Self {
            version: 1,
            is_host_policy: false,
            steps: Steps::of_columns(full_until_s, part_until_s, part_bps),
        }
    }

    /// Returns the refund in won of `captured_krw` for a cancellation this long before the start, rounded half up.
    pub fn refund_krw(&self, captured_krw: i64, before_start: TimeDelta) -> i64 {
        self.step(before_start)
            .map_or(0, |step| share(captured_krw, step.refund_bps.into()))
    }

    /// Returns the step that applies this long before the start. `None` after the last one.
    pub fn step(&self, before_start: TimeDelta) -> Option<&Step> {
        self.steps.at(before_start)
    }
}

impl Step {
    /// Returns the last moment at which the step applies.
    pub fn until(&self, start: DateTime<Utc>) -> DateTime<Utc> {
        start - TimeDelta::seconds(self.before_start_s.into())
    }
}

#[cfg(test)]
pub mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    pub fn step(before_start_s: i32, refund_bps: i32) -> Step {
        Step {
            before_start_s,
            refund_bps,
        }
    }

    /// Version 2 of the platform, as the migration inserts it.
    pub fn platform() -> CancellationPolicy {
        CancellationPolicy {
            version: 2,
            is_host_policy: false,
            steps: Steps::new(vec![step(24 * 3600, 10_000), step(0, 9_000)]).unwrap(),
        }
    }

    #[rstest]
    #[case(TimeDelta::days(7), 60_001)]
    #[case(TimeDelta::hours(24), 60_001)]
    #[case(TimeDelta::hours(24) - TimeDelta::microseconds(1), 54_001)]
    #[case(TimeDelta::zero(), 54_001)]
    #[case(-TimeDelta::microseconds(1), 0)]
    #[case(TimeDelta::hours(-1), 0)]
    fn platform_policy_refunds_by_time_before_start(#[case] before_start: TimeDelta, #[case] refund: i64) {
        assert_eq!(platform().refund_krw(60_001, before_start), refund);
    }

    #[rstest]
    #[case(TimeDelta::hours(24), 60_001)]
    #[case(TimeDelta::hours(24) - TimeDelta::microseconds(1), 30_001)]
    #[case(TimeDelta::hours(3), 30_001)]
    #[case(TimeDelta::hours(3) - TimeDelta::microseconds(1), 0)]
    fn first_version_refunds_as_its_columns_say(#[case] before_start: TimeDelta, #[case] refund: i64) {
        let first = CancellationPolicy::of_columns(24 * 3600, 3 * 3600, 5_000);
        assert_eq!(first.refund_krw(60_001, before_start), refund);
    }

    #[rstest]
    #[case(vec![step(0, 0)], 0)]
    #[case(vec![step(0, 10_001)], 0)]
    #[case(vec![step(-1, 5_000)], 0)]
    #[case(vec![step(3_600, 10_000), step(3_600, 9_000)], 1)]
    #[case(vec![step(3_600, 9_000), step(0, 9_000)], 1)]
    #[case((0..6).map(|n| step(60 - n, 10_000 - n)).collect(), 5)]
    fn steps_that_are_no_ladder_are_refused(#[case] steps: Vec<Step>, #[case] index: usize) {
        assert_eq!(Steps::new(steps), Err(InvalidSteps(index)));
    }

    #[rstest]
    #[case(vec![step(24 * 3600, 10_000), step(0, 9_000)], None)]
    #[case(vec![step(0, 10_000)], None)]
    #[case(vec![step(6 * 3600, 10_000), step(3_600, 9_500), step(0, 9_000)], None)]
    #[case(vec![step(48 * 3600, 10_000), step(0, 9_500)], Some((24 * 3600, 10_000)))]
    #[case(vec![step(24 * 3600, 10_000), step(3_600, 9_000)], Some((0, 9_000)))]
    #[case(vec![step(24 * 3600, 10_000)], Some((0, 9_000)))]
    #[case(vec![], Some((24 * 3600, 10_000)))]
    fn harsher_policy_is_named_where_it_refunds_less(
        #[case] steps: Vec<Step>,
        #[case] at: Option<(i32, i32)>,
    ) {
        let refused = Steps::new(steps)
            .unwrap()
            .check_not_harsher_than(&platform().steps);
        let refused = refused.err();
        assert_eq!(
            refused.map(|harsher| (harsher.before_start_s, harsher.refund_bps)),
            at
        );
    }

    /// Ladders of up to five steps within 48 hours.
    fn ladder() -> impl Strategy<Value = Steps> {
        prop::collection::vec((0..=172_800i32, 1..=10_000i32), 0..=5).prop_map(|rows| {
            let (mut times, mut refunds): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
            times.sort_unstable_by(|a, b| b.cmp(a));
            refunds.sort_unstable_by(|a, b| b.cmp(a));
            times.dedup();
            refunds.dedup();
            Steps::new(
                times
                    .into_iter()
                    .zip(refunds)
                    .map(|(time, refund)| step(time, refund))
                    .collect(),
            )
            .unwrap()
        })
    }

    proptest! {
        #[test]
        fn earlier_cancellation_never_refunds_less(steps in ladder(), captured in 0i64..1_000_000_000, a in -100_000i64..200_000, b in -100_000i64..200_000) {
            let policy = CancellationPolicy { steps, ..platform() };
            let refund = |seconds| policy.refund_krw(captured, TimeDelta::seconds(seconds));
            prop_assert!(refund(a.max(b)) >= refund(a.min(b)));
            prop_assert!((0..=captured).contains(&refund(a)));
        }

        /// What is accepted refunds at least as much as the other policy at every second, and what is refused does not where it says so.
        #[test]
        fn accepted_policy_never_refunds_less(own in ladder(), other in ladder(), seconds in prop::collection::vec(0..200_000i32, 50)) {
            match own.check_not_harsher_than(&other) {
                Ok(()) => {
                    for at in seconds {
                        prop_assert!(own.refund_bps(at) >= other.refund_bps(at), "{at} s");
                    }
                }
                Err(harsher) => {
                    prop_assert_eq!(other.refund_bps(harsher.before_start_s), harsher.refund_bps);
                    prop_assert!(own.refund_bps(harsher.before_start_s) < harsher.refund_bps);
                }
            }
        }

        #[test]
        fn stored_policy_reads_back(steps in ladder(), version in 1..100i32, is_host_policy in any::<bool>()) {
            let policy = CancellationPolicy { version, is_host_policy, steps };
            prop_assert_eq!(serde_json::from_value::<CancellationPolicy>(serde_json::json!(policy)).unwrap(), policy);
        }
    }
}
