//! Rates of a car: by the hour, on dates, and discounts for long rentals.

use chrono::{DateTime, Days, FixedOffset, NaiveDate, NaiveTime, Utc};

use super::{LineKind, PERCENT_BPS, PriceLine, share};
use crate::domain::Period;

/// Offset of Asia/Seoul, which has no daylight saving time.
const SEOUL: FixedOffset = FixedOffset::east_opt(9 * 3600).expect("nine hours");

/// What a car costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rates {
    pub hourly_krw: i64,
    /// Without overlaps.
    pub dated: Vec<DatedRate>,
    pub long_rental_discounts: Vec<LongRentalDiscount>,
}

/// Rate of the half hours that begin on these dates in Seoul.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatedRate {
    pub start_date: NaiveDate,
    /// Inclusive.
    pub end_date: NaiveDate,
    pub hourly_krw: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongRentalDiscount {
    /// Billed hours from which on it applies.
    pub min_hours: i32,
    pub percent: i32,
}

impl Rates {
    /// Returns the lines of time: that at the hourly rate, then those of dates. `None` when a rate is not positive or an amount overflows.
    pub(super) fn time_lines(&self, period: &Period) -> Option<Vec<PriceLine>> {
        let half_hours = period.started_half_hours();
        let dated: Vec<_> = self
            .dated
            .iter()
            .map(|rate| (rate.half_hours(period), rate.hourly_krw))
            .collect();
        let undated = half_hours - dated.iter().map(|(count, _)| count).sum::<i64>();
        let counts = [(LineKind::Time, undated, self.hourly_krw)].into_iter();
        let counts = counts.chain(
            dated
                .into_iter()
                .map(|(count, rate)| (LineKind::DatedTime, count, rate)),
        );
        counts
            .filter(|(_, count, _)| *count > 0)
            .map(|(kind, count, rate)| time_line(kind, count, rate))
            .collect()
    }

    /// Returns the line of the highest discount that the rental reaches, of this price of all time.
    pub(super) fn discount_line(&self, period: &Period, time_krw: i64) -> Option<PriceLine> {
        let half_hours = period.started_half_hours();
        let reached = self
            .long_rental_discounts
            .iter()
            .filter(|discount| half_hours >= i64::from(discount.min_hours) * 2);
        let percent = reached.map(|discount| discount.percent).max()?;
        Some(PriceLine {
            kind: LineKind::LongRentalDiscount,
            half_hours,
            unit_krw: 0,
            percent,
            amount_krw: -share(time_krw, i64::from(percent) * PERCENT_BPS),
        })
    }
}

impl DatedRate {
    /// Counts the half hours of the period that begin on these dates.
    fn half_hours(&self, period: &Period) -> i64 {
        let all = period.started_half_hours();
        let begin_before = |date: Option<NaiveDate>| match date.and_then(seoul_midnight) {
            Some(midnight) => Period::new(period.start(), midnight)
                .map_or(0, |before| before.started_half_hours())
                .min(all),
            None => all,
        };
        let day_after = self.end_date.checked_add_days(Days::new(1));
        (begin_before(day_after) - begin_before(Some(self.start_date))).max(0)
    }
}

fn time_line(kind: LineKind, half_hours: i64, hourly_krw: i64) -> Option<PriceLine> {
    if hourly_krw <= 0 {
        return None;
    }
    let doubled = half_hours.checked_mul(hourly_krw)?;
    Some(PriceLine {
        kind,
        half_hours,
        unit_krw: hourly_krw,
        percent: 0,
        amount_krw: doubled.checked_add(1)? / 2,
    })
}

fn seoul_midnight(date: NaiveDate) -> Option<DateTime<Utc>> {
    let midnight = date.and_time(NaiveTime::MIN).and_local_timezone(SEOUL);
    midnight.single().map(|midnight| midnight.to_utc())
}
