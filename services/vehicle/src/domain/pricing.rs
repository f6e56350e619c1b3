//! Prices of a car beyond its hourly rate: rates of dates, and discounts for long rentals. They are applied by the booking service.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Prices beyond the hourly rate. The default has none. Stored as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pricing {
    /// By date, without overlaps.
    pub dated_rates: Vec<DatedRate>,
    /// By length, which differ.
    pub long_rental_discounts: Vec<LongRentalDiscount>,
}

/// The hourly rate on dates in Asia/Seoul.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatedRate {
    pub start_date: NaiveDate,
    /// Inclusive.
    pub end_date: NaiveDate,
    pub hourly_rate_krw: i64,
    pub name: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LongRentalDiscount {
    /// Billed hours from which on it applies.
    pub min_hours: i32,
    pub percent: i32,
}

/// Prices that contradict one another. Each has the index of a row as it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPricing {
    #[error("dated rate {0} ends before it starts")]
    Reversed(usize),
    #[error("dated rate {0} overlaps another one")]
    Overlapping(usize),
    #[error("discount {0} has the length of another one")]
    SameLength(usize),
}

impl Pricing {
    /// Sorts the rows. Bounds of each row are rules of the contract.
    pub fn new(
        dated_rates: Vec<DatedRate>,
        long_rental_discounts: Vec<LongRentalDiscount>,
    ) -> Result<Self, InvalidPricing> {
        let mut dated: Vec<_> = dated_rates.into_iter().enumerate().collect();
        if let Some((row, _)) = dated.iter().find(|(_, rate)| rate.end_date < rate.start_date) {
            return Err(InvalidPricing::Reversed(*row));
        }
        dated.sort_by_key(|(_, rate)| rate.start_date);
        let next_day_is_taken = |pair: &&[(usize, DatedRate)]| pair[1].1.start_date <= pair[0].1.end_date;
        if let Some(pair) = dated.windows(2).find(next_day_is_taken) {
            return Err(InvalidPricing::Overlapping(pair[0].0.max(pair[1].0)));
        }
        let mut discounts: Vec<_> = long_rental_discounts.into_iter().enumerate().collect();
        discounts.sort_by_key(|(_, discount)| discount.min_hours);
        if let Some(pair) = discounts
            .windows(2)
            .find(|pair| pair[0].1.min_hours == pair[1].1.min_hours)
        {
            return Err(InvalidPricing::SameLength(pair[0].0.max(pair[1].0)));
        }
        Ok(Self {
            dated_rates: dated.into_iter().map(|(_, rate)| rate).collect(),
            long_rental_discounts: discounts.into_iter().map(|(_, discount)| discount).collect(),
        })
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn rate(start: &str, end: &str) -> DatedRate {
        DatedRate {
            start_date: start.parse().unwrap(),
            end_date: end.parse().unwrap(),
            hourly_rate_krw: 18_000,
            name: None,
        }
    }

    fn discount(min_hours: i32) -> LongRentalDiscount {
        LongRentalDiscount {
            min_hours,
            percent: 10,
        }
    }

    #[rstest]
    #[case(vec![rate("2030-07-25", "2030-07-24")], vec![], InvalidPricing::Reversed(0))]
    #[case(vec![rate("2030-07-25", "2030-08-15"), rate("2030-07-01", "2030-07-25")], vec![], InvalidPricing::Overlapping(1))]
    #[case(vec![rate("2030-07-25", "2030-07-25"), rate("2030-07-25", "2030-07-25")], vec![], InvalidPricing::Overlapping(1))]
    #[case(vec![], vec![discount(168), discount(672), discount(168)], InvalidPricing::SameLength(2))]
    fn contradictions_are_refused(
        #[case] rates: Vec<DatedRate>,
        #[case] discounts: Vec<LongRentalDiscount>,
        #[case] refusal: InvalidPricing,
    ) {
        assert_eq!(Pricing::new(rates, discounts), Err(refusal));
    }

    #[test]
    fn rows_are_sorted() {
        let (winter, summer) = (rate("2030-01-01", "2030-01-31"), rate("2030-02-01", "2030-08-15"));
        let pricing = Pricing::new(
            vec![summer.clone(), winter.clone()],
            vec![discount(672), discount(168)],
        );
        let expected = Pricing {
            dated_rates: vec![winter, summer],
            long_rental_discounts: vec![discount(168), discount(672)],
        };
        assert_eq!(pricing, Ok(expected));
    }

    proptest! {
        #[test]
        fn accepted_rates_share_no_date(spans in prop::collection::vec((0i64..60, 0i64..10), 0..6)) {
            let day = |day: i64| NaiveDate::from_ymd_opt(2030, 1, 1).unwrap() + chrono::TimeDelta::days(day);
            let rates: Vec<_> = spans
                .iter()
                .map(|(start, length)| DatedRate { start_date: day(*start), end_date: day(start + length), ..rate("2030-01-01", "2030-01-01") })
                .collect();
            let most = (0..80)
                .map(|each| rates.iter().filter(|rate| (rate.start_date..=rate.end_date).contains(&day(each))).count())
                .max();
            prop_assert_eq!(Pricing::new(rates, vec![]).is_ok(), most.unwrap_or(0) <= 1);
        }
    }
}
