//! A car's opening hours: weekly rules, dated exceptions, and whether a whole rental lies inside.
//!
//! - Days and times are those of Asia/Seoul: UTC+9, without summer time since 1988.
//! - A rule covers `[start, end)` of the day it belongs to; an end at or before the start lies on the next day.
//! - A dated open rule replaces the weekly rules of its date, the blocked ones too. A span belongs to the day it begins,
//!   so Friday's 18:00–02:00 still reaches into a Saturday with hours of its own.
//! - What is open less what is blocked on that level is what counts; a dated rule wins over every weekly one.
//! - A car without any open rule is always open, except where it is blocked.

mod rule;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};

pub use rule::{Day, Effect, Rule};

use super::interval_set::Spans;
use super::period::Period;

/// Asia/Seoul is nine hours ahead of UTC.
const SEOUL: TimeDelta = TimeDelta::hours(9);

/// The rules of one car.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    rules: Vec<Rule>,
    redefined: HashSet<NaiveDate>,
}

impl Opening {
    /// Opening hours by these rules, in any order.
    pub fn new(rules: Vec<Rule>) -> Self {
        let redefined = rules
            .iter()
            .filter(|rule| rule.effect == Effect::Open)
            .filter_map(Rule::date)
            .collect();
        Self { rules, redefined }
    }

    /// Is the car open for the whole period?
    pub fn covers(&self, period: Period) -> bool {
        let wanted = (local(period.start()), local(period.end()));
        let weekly = self.baseline(wanted).minus(&self.weekly(Effect::Blocked, wanted));
        let open = weekly
            .union(self.dated(Effect::Open))
            .minus(&self.dated(Effect::Blocked));
        open.contains(wanted)
    }

    /// Before anything is blocked and apart from dates: the weekly hours, or all of `wanted` if nothing is said.
    fn baseline(&self, wanted: LocalSpan) -> Spans<NaiveDateTime> {
        if self.rules.iter().any(|rule| rule.effect == Effect::Open) {
            self.weekly(Effect::Open, wanted)
        } else {
            Spans::from_iter([wanted])
        }
    }

    /// The spans of the weekly rules that can reach into `wanted`: yesterday's may last until today.
    fn weekly(&self, effect: Effect, (start, end): LocalSpan) -> Spans<NaiveDateTime> {
        let first = start.date() - TimeDelta::days(1);
        let days = first.iter_days().take_while(|day| *day <= end.date());
        let own = days.filter(|day| !self.redefined.contains(day));
        own.flat_map(|day| self.of(effect).filter_map(move |rule| rule.weekly_span(day)))
            .collect()
    }

    fn dated(&self, effect: Effect) -> Spans<NaiveDateTime> {
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
