//! Opening hours of a car: weekly rules, dated exceptions, and whether they cover a whole rental.
//!
//! - Days and times are those of Asia/Seoul: UTC+9, without summer time since 1988.
//! - A rule covers `[start, end)` of the day it belongs to; an end at or before the start lies on the next day.
//! - A dated open rule replaces the weekly rules of its date, the blocked ones too. A span belongs to the day it begins,
//!   so Friday's 18:00–02:00 still reaches into a Saturday with hours of its own.
//! - Blocked rules are subtracted from open ones, first among the weekly and then among the dated rules, which take
//!   precedence over the weekly ones.
//! - A car without any open rule is always open, except where it is blocked.

mod rule;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};

pub use rule::{Day, Effect, Rule};

use super::interval_set::IntervalSet;
use super::period::Period;

/// Asia/Seoul is nine hours ahead of UTC.
const SEOUL: TimeDelta = TimeDelta::hours(9);

#[derive(Clone, Debug, Default)]
pub struct OpeningHours {
    rules: Vec<Rule>,
    redefined: HashSet<NaiveDate>,
}

impl OpeningHours {
    pub fn new(rules: Vec<Rule>) -> Self {
        let redefined = rules
            .iter()
            .filter(|rule| rule.effect == Effect::Open)
            .filter_map(Rule::date)
            .collect();
        Self { rules, redefined }
    }

    /// Returns whether the car is open for the whole period.
    pub fn covers(&self, period: Period) -> bool {
        let interval = (local(period.start()), local(period.end()));
        let weekly = self
            .baseline(interval)
            .minus(&self.weekly(Effect::Blocked, interval));
        let open = weekly
            .union(self.dated(Effect::Open))
            .minus(&self.dated(Effect::Blocked));
        open.contains(interval)
    }

    /// Returns the weekly open hours, or the whole interval for a car without open rules.
    fn baseline(&self, interval: LocalSpan) -> IntervalSet<NaiveDateTime> {
        if self.rules.iter().any(|rule| rule.effect == Effect::Open) {
            self.weekly(Effect::Open, interval)
        } else {
            IntervalSet::from_iter([interval])
        }
    }

    /// Returns the spans of the weekly rules that can overlap the interval: a span of the day before may last into it.
    fn weekly(&self, effect: Effect, (start, end): LocalSpan) -> IntervalSet<NaiveDateTime> {
        let first = start.date() - TimeDelta::days(1);
        let days = first.iter_days().take_while(|day| *day <= end.date());
        let own = days.filter(|day| !self.redefined.contains(day));
        own.flat_map(|day| self.of(effect).filter_map(move |rule| rule.weekly_span(day)))
            .collect()
    }

    fn dated(&self, effect: Effect) -> IntervalSet<NaiveDateTime> {
        self.of(effect).filter_map(Rule::dated_span).collect()
    }

    fn of(&self, effect: Effect) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.effect == effect)
    }
}

type LocalSpan = (NaiveDateTime, NaiveDateTime);

fn local(time: DateTime<Utc>) -> NaiveDateTime {
    time.naive_utc() + SEOUL
}
