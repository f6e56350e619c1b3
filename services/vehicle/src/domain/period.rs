//! A rental's time: half-open, in UTC, as exact as the database keeps it.

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};

/// `[start, end)`, never empty. Microseconds, as PostgreSQL stores them: what is finer is cut off here, or a period of
/// nanoseconds would reach the calendar as an empty range, which overlaps nothing.
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
    /// From `start` (inclusive) to `end` (exclusive).
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

    /// The moment it is over.
    pub fn end(&self) -> DateTime<Utc> {
        self.end
    }
}

fn to_micros(time: DateTime<Utc>) -> DateTime<Utc> {
    // Fails only outside the years 1677 to 2262, where nothing is rented.
    time.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_end_comes_after_the_start() {
        let noon = at("2026-11-23T12:00:00Z");
        assert_eq!(Period::new(noon, noon), Err(EmptyPeriod));
        assert_eq!(Period::new(noon, noon - TimeDelta::hours(1)), Err(EmptyPeriod));
        let hour = Period::new(noon, noon + TimeDelta::hours(1)).unwrap();
        assert_eq!((hour.start(), hour.end()), (noon, at("2026-11-23T13:00:00Z")));
    }

    #[test]
    fn what_is_finer_than_a_microsecond_is_cut_off() {
        let (start, end) = (
            at("2026-11-23T12:00:00.000001Z"),
            at("2026-11-23T12:00:00.000001999Z"),
        );
        assert_eq!(Period::new(start, end), Err(EmptyPeriod));
    }
}
