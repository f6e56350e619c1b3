//! Period of a rental: half-open, in UTC, with the precision of the database.

use std::time::Duration;

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};

/// `[start, end)`, never empty. Truncated to PostgreSQL's microseconds: a period of nanoseconds would be stored as an empty
/// range, which overlaps nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Period {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

/// The end is not after the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the period is empty")]
pub struct EmptyPeriod;

impl Period {
    pub fn new(start: DateTime<Utc>, end: DateTime<Utc>) -> Result<Self, EmptyPeriod> {
        let (start, end) = (to_micros(start), to_micros(end));
        if start < end {
            Ok(Self { start, end })
        } else {
            Err(EmptyPeriod)
        }
    }

    pub fn start(&self) -> DateTime<Utc> {
        self.start
    }

    /// Returns whether the period ends at most `horizon` after `now`.
    pub fn ends_within(&self, horizon: Duration, now: DateTime<Utc>) -> bool {
        (self.end - now).to_std().unwrap_or_default() <= horizon
    }

    /// Exclusive.
    pub fn end(&self) -> DateTime<Utc> {
        self.end
    }
}

fn to_micros(time: DateTime<Utc>) -> DateTime<Utc> {
    // Fails only outside the years 1677 to 2262.
    time.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn period_whose_end_is_not_after_its_start_is_refused() {
        let noon = at("2026-11-23T12:00:00Z");
        assert_eq!(Period::new(noon, noon), Err(EmptyPeriod));
        assert_eq!(Period::new(noon, noon - TimeDelta::hours(1)), Err(EmptyPeriod));
        let hour = Period::new(noon, noon + TimeDelta::hours(1)).unwrap();
        assert_eq!((hour.start(), hour.end()), (noon, at("2026-11-23T13:00:00Z")));
    }

    #[test]
    fn period_ends_within_its_horizon_up_to_the_microsecond() {
        let (noon, horizon) = (at("2026-11-23T12:00:00Z"), Duration::from_hours(4));
        let ends = |end: &str| Period::new(noon + TimeDelta::hours(1), at(end)).unwrap();
        assert!(ends("2026-11-23T16:00:00Z").ends_within(horizon, noon));
        assert!(!ends("2026-11-23T16:00:00.000001Z").ends_within(horizon, noon));
        assert!(ends("2026-11-23T16:00:00Z").ends_within(horizon, at("2026-12-01T00:00:00Z")));
    }

    #[test]
    fn period_is_truncated_to_microseconds() {
        let (start, end) = (
            at("2026-11-23T12:00:00.000001Z"),
            at("2026-11-23T12:00:00.000001999Z"),
        );
        assert_eq!(Period::new(start, end), Err(EmptyPeriod));
    }
}
