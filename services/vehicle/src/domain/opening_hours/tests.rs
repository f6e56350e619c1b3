//! Examples of the rules, and a comparison with their definition minute by minute.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, Timelike as _, Utc};
use proptest::prelude::*;

use super::super::time_of_day::TimeOfDay;
use super::*;

/// 2026-11-23 is a Monday.
fn period(from: &str, to: &str) -> Period {
    let utc = |text: &str| -> DateTime<Utc> { format!("2026-11-{text}:00+09:00").parse().unwrap() };
    Period::new(utc(from), utc(to)).unwrap()
}

fn rule(day: Day, start: &str, end: &str, effect: Effect) -> Rule {
    Rule {
        day,
        start: start.parse().unwrap(),
        end: end.parse().unwrap(),
        effect,
    }
}

fn weekly(day: u8, start: &str, end: &str) -> Rule {
    rule(Day::Weekly(day), start, end, Effect::Open)
}

fn date(day: u32) -> Day {
    Day::Date(NaiveDate::from_ymd_opt(2026, 11, day).unwrap())
}

fn covers(rules: &[Rule], from: &str, to: &str) -> bool {
    OpeningHours::new(rules.to_vec()).covers(period(from, to))
}

#[test]
fn car_without_rules_is_always_open() {
    assert!(covers(&[], "01T00:00", "30T23:59"));
}

#[test]
fn blocked_rules_alone_leave_the_rest_open() {
    let lunch = rule(Day::Weekly(1), "12:00", "13:00", Effect::Blocked);
    assert!(covers(&[lunch], "23T13:00", "30T12:00"));
    assert!(!covers(&[lunch], "23T12:59", "23T14:00"));
    assert!(!covers(&[lunch], "23T11:00", "23T12:01"));
}

#[test]
fn weekly_rule_is_half_open() {
    let monday = weekly(1, "09:00", "18:00");
    assert!(covers(&[monday], "23T09:00", "23T18:00"));
    assert!(!covers(&[monday], "23T08:59", "23T18:00"));
    assert!(!covers(&[monday], "23T09:00", "23T18:01"));
    assert!(!covers(&[monday], "24T09:00", "24T18:00"));
}

#[test]
fn days_are_days_in_seoul() {
    // 08:30 in Seoul on Monday is still Sunday in UTC.
    assert!(covers(&[weekly(1, "08:00", "09:00")], "23T08:30", "23T09:00"));
    assert!(!covers(&[weekly(0, "08:00", "09:00")], "23T08:30", "23T09:00"));
}

#[test]
fn span_crosses_midnight() {
    let friday = weekly(5, "18:00", "02:00");
    assert!(covers(&[friday], "27T18:00", "28T02:00"));
    assert!(covers(&[friday], "28T00:30", "28T01:30"));
    assert!(!covers(&[friday], "27T01:00", "27T02:00"));
}

#[test]
fn end_equal_to_start_is_a_whole_day() {
    let monday = weekly(1, "09:00", "09:00");
    assert!(covers(&[monday], "23T09:00", "24T09:00"));
    assert!(!covers(&[monday], "23T09:00", "24T09:01"));
}

#[test]
fn adjacent_days_cover_a_rental_over_midnight() {
    let days = [weekly(1, "00:00", "24:00"), weekly(2, "00:00", "24:00")];
    assert!(covers(&days, "23T00:00", "25T00:00"));
    assert!(!covers(&days, "23T00:00", "25T00:01"));
    let gap = [weekly(1, "00:00", "23:59"), weekly(2, "00:00", "24:00")];
    assert!(!covers(&gap, "23T12:00", "24T12:00"));
}

#[test]
fn dated_open_rule_replaces_the_weekly_rules_of_its_date() {
    let rules = [
        weekly(1, "09:00", "18:00"),
        rule(Day::Weekly(1), "12:00", "13:00", Effect::Blocked),
        rule(date(23), "11:00", "14:00", Effect::Open),
    ];
    assert!(covers(&rules, "23T11:00", "23T14:00"));
    assert!(!covers(&rules, "23T09:00", "23T11:00"));
    assert!(covers(&rules, "30T09:00", "30T12:00"));
    assert!(!covers(&rules, "30T11:00", "30T14:00"));
}

#[test]
fn dated_block_takes_precedence() {
    let rules = [
        weekly(1, "09:00", "18:00"),
        rule(date(23), "10:00", "20:00", Effect::Open),
        rule(date(23), "12:00", "13:00", Effect::Blocked),
    ];
    assert!(covers(&rules, "23T10:00", "23T12:00"));
    assert!(covers(&rules, "23T13:00", "23T20:00"));
    assert!(!covers(&rules, "23T11:30", "23T12:30"));
}

#[test]
fn weekly_span_of_the_day_before_reaches_into_a_dated_day() {
    let rules = [
        weekly(5, "18:00", "02:00"),
        rule(date(28), "10:00", "12:00", Effect::Open),
    ];
    assert!(covers(&rules, "28T00:00", "28T02:00"));
    assert!(covers(&rules, "28T10:00", "28T12:00"));
}

#[test]
fn car_with_only_dated_rules_is_closed_on_other_days() {
    let rules = [rule(date(23), "00:00", "24:00", Effect::Open)];
    assert!(covers(&rules, "23T00:00", "24T00:00"));
    assert!(!covers(&rules, "24T10:00", "24T11:00"));
}

#[test]
fn period_that_ends_at_midnight_does_not_need_the_next_day() {
    assert!(covers(&[weekly(1, "00:00", "24:00")], "23T23:00", "24T00:00"));
}

/// Returns whether the minute that begins at `minute` is open, by the definition at the top of the module.
fn is_open(rules: &[Rule], minute: NaiveDateTime) -> bool {
    let (today, yesterday) = (minute.date(), minute.date() - TimeDelta::days(1));
    let now = minute.hour() * 60 + minute.minute();
    let redefined = |day: NaiveDate| {
        rules
            .iter()
            .any(|r| r.effect == Effect::Open && r.day == Day::Date(day))
    };
    let applies = |rule: &Rule, day: NaiveDate| match rule.day {
        Day::Weekly(weekday) => u32::from(weekday) == day.weekday().num_days_from_sunday() && !redefined(day),
        Day::Date(date) => date == day,
    };
    let hit = |dated: bool, effect: Effect| {
        rules
            .iter()
            .filter(|r| r.effect == effect && matches!(r.day, Day::Date(_)) == dated)
            .any(|rule| {
                let (start, end) = (u32::from(rule.start.minutes()), u32::from(rule.end.minutes()));
                let end = if end <= start { end + 24 * 60 } else { end };
                let within = |minute: u32| start <= minute && minute < end;
                applies(rule, today) && within(now) || applies(rule, yesterday) && within(now + 24 * 60)
            })
    };
    let never_open = rules.iter().all(|rule| rule.effect == Effect::Blocked);
    let weekly = (never_open || hit(false, Effect::Open)) && !hit(false, Effect::Blocked);
    (weekly || hit(true, Effect::Open)) && !hit(true, Effect::Blocked)
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let day = prop_oneof![(0u8..7).prop_map(Day::Weekly), (22u32..27).prop_map(date)];
    // Quarter hours, so that ends meet often.
    let time = |last: u16| (0..=last).prop_map(|quarter| TimeOfDay::from_minutes(quarter * 15).unwrap());
    let effect = prop_oneof![2 => Just(Effect::Open), 1 => Just(Effect::Blocked)];
    (day, time(95), time(96), effect).prop_map(|(day, start, end, effect)| Rule {
        day,
        start,
        end,
        effect,
    })
}

proptest! {
    #[test]
    fn period_is_covered_if_and_only_if_each_minute_is_open(
        rules in prop::collection::vec(any_rule(), 0..8),
        start in 0i64..96 * 4,
        quarters in 1i64..96 * 3,
    ) {
        let monday = "2026-11-22T15:00:00Z".parse::<DateTime<Utc>>().unwrap();
        let start = monday + TimeDelta::minutes(start * 15);
        let period = Period::new(start, start + TimeDelta::minutes(quarters * 15)).unwrap();
        let each = (0..quarters * 15).all(|minute| is_open(&rules, local(start) + TimeDelta::minutes(minute)));
        prop_assert_eq!(OpeningHours::new(rules).covers(period), each);
    }
}
