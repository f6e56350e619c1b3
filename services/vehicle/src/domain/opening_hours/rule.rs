//! One rule of the opening hours.

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use super::super::time_of_day::TimeOfDay;

/// A span of a weekday or of one date, open or blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    pub day: Day,
    pub start: TimeOfDay,
    /// First minute after it; at or before `start` it is on the next day.
    pub end: TimeOfDay,
    /// What it says about the span.
    pub effect: Effect,
}

/// When a rule applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Day {
    /// Every week; 0 is Sunday, 6 is Saturday.
    Weekly(u8),
    Date(NaiveDate),
}

/// What a rule says about its span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// The car can be used.
    Open,
    Blocked,
}

impl Rule {
    /// The date of a dated rule.
    pub(super) fn date(&self) -> Option<NaiveDate> {
        match self.day {
            Day::Date(date) => Some(date),
            Day::Weekly(_) => None,
        }
    }

    /// The span of a dated rule.
    pub(super) fn dated_span(&self) -> Option<(NaiveDateTime, NaiveDateTime)> {
        self.date().map(|date| self.span_on(date))
    }

    /// The span of a weekly rule on `date`, if that is its day of the week.
    pub(super) fn weekly_span(&self, date: NaiveDate) -> Option<(NaiveDateTime, NaiveDateTime)> {
        let weekday = date.weekday().num_days_from_sunday();
        (self.day == Day::Weekly(weekday as u8)).then(|| self.span_on(date))
    }

    fn span_on(&self, date: NaiveDate) -> (NaiveDateTime, NaiveDateTime) {
        let midnight = date.and_time(NaiveTime::MIN);
        let at = |time: TimeOfDay| midnight + TimeDelta::minutes(time.minutes().into());
        let next_day = TimeDelta::days(i64::from(self.end <= self.start));
        (at(self.start), at(self.end) + next_day)
    }
}
