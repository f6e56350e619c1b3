//! A rule of the opening hours.

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use super::super::time_of_day::TimeOfDay;

/// A span on a weekday or a date, open or blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    pub day: Day,
    pub start: TimeOfDay,
    /// Exclusive; at or before `start` it is on the next day.
    pub end: TimeOfDay,
    pub effect: Effect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Day {
    /// Every week; 0 is Sunday, 6 is Saturday.
    Weekly(u8),
    Date(NaiveDate),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    Open,
    Blocked,
}

impl Rule {
    pub(super) fn date(&self) -> Option<NaiveDate> {
        match self.day {
            Day::Date(date) => Some(date),
            Day::Weekly(_) => None,
        }
    }

    pub(super) fn dated_span(&self) -> Option<(NaiveDateTime, NaiveDateTime)> {
        self.date().map(|date| self.span_on(date))
    }

    /// Returns the span of a weekly rule on `date`, if that is its weekday.
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
