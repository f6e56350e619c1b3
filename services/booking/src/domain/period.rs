//! Period of a rental: half-open, `[start, end)`.

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};

/// Digits below the second that PostgreSQL stores.
const PRECISION: u16 = 6;

/// Period of a rental. The end is after the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl Period {
    /// Truncates both times to microseconds. `None` unless the end is after the start.
    pub fn new(start: DateTime<Utc>, end: DateTime<Utc>) -> Option<Self> {
        let (start, end) = (start.trunc_subsecs(PRECISION), end.trunc_subsecs(PRECISION));
        (start < end).then_some(Self { start, end })
    }

    pub fn start(&self) -> DateTime<Utc> {
        self.start
    }

    pub fn end(&self) -> DateTime<Utc> {
        self.end
    }

    /// Returns the number of half hours to pay; a started one counts as a whole one.
    pub fn started_half_hours(&self) -> i64 {
        let length = self.end - self.start;
        let whole = length.num_minutes() / 30;
        if length > TimeDelta::minutes(whole * 30) {
            whole + 1
        } else {
            whole
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn starting_at_nine(length: TimeDelta) -> Option<Period> {
        let nine: DateTime<Utc> = "2026-12-01T09:00:00Z".parse().unwrap();
        Period::new(nine, nine + length)
    }

    #[rstest]
    #[case(TimeDelta::hours(1), 2)]
    #[case(TimeDelta::minutes(61), 3)]
    #[case(TimeDelta::minutes(90), 3)]
    #[case(TimeDelta::hours(2), 4)]
    #[case(TimeDelta::hours(2) + TimeDelta::microseconds(1), 5)]
    #[case(TimeDelta::hours(2) + TimeDelta::nanoseconds(999), 4)]
    #[case(TimeDelta::days(30), 1_440)]
    fn started_half_hours_count_as_whole_ones(#[case] length: TimeDelta, #[case] half_hours: i64) {
        assert_eq!(starting_at_nine(length).unwrap().started_half_hours(), half_hours);
    }

    #[rstest]
    #[case("0001-01-01T00:00:00Z")]
    #[case("9999-12-31T00:00:00Z")]
    fn period_of_any_year_is_accepted(#[case] start: DateTime<Utc>) {
        let period = Period::new(start, start + TimeDelta::hours(3)).unwrap();
        assert_eq!(period.started_half_hours(), 6);
    }

    #[rstest]
    #[case(TimeDelta::zero())]
    #[case(TimeDelta::seconds(-1))]
    #[case(TimeDelta::nanoseconds(999))]
    fn period_that_does_not_move_forward_is_refused(#[case] length: TimeDelta) {
        assert_eq!(starting_at_nine(length), None);
    }

    proptest! {
        #[test]
        fn started_half_hours_cover_the_period_and_no_more(micros in 1i64..2_592_000_000_000) {
            let period = starting_at_nine(TimeDelta::microseconds(micros)).unwrap();
            let length = period.end() - period.start();
            prop_assert!(length <= TimeDelta::minutes(period.started_half_hours() * 30));
            prop_assert!(length > TimeDelta::minutes((period.started_half_hours() - 1) * 30));
        }
    }
}
