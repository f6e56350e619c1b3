//! What a rental costs, and which part of it is the platform's. All amounts are whole won.

use super::Period;

/// A ten-thousandth, the unit of shares.
pub const BASIS_POINTS: i64 = 10_000;

/// The platform's share: 15 %.
pub const PLATFORM_FEE_BPS: i64 = 1_500;

/// The price of a rental as agreed when it was booked. Later changes of the car's rate do not touch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// Won for an hour.
    pub hourly_rate_krw: i64,
    /// Won for the rental.
    pub total_krw: i64,
    /// The platform's part of [`Self::total_krw`].
    pub platform_fee_krw: i64,
}

impl Price {
    /// The price of a period at an hourly rate; `None` for a rate that is no price.
    pub fn quote(period: &Period, hourly_rate_krw: i64) -> Option<Self> {
        let total_krw = period
            .begun_hours()
            .checked_mul(hourly_rate_krw)
            .filter(|total| *total > 0)?;
        Some(Self {
            hourly_rate_krw,
            total_krw,
            platform_fee_krw: share(total_krw, PLATFORM_FEE_BPS),
        })
    }

    /// The host's part: what the platform leaves, so that the two always make the total.
    pub fn host_share_krw(&self) -> i64 {
        self.total_krw - self.platform_fee_krw
    }
}

/// `bps` ten-thousandths of an amount that is not negative, rounded half up to the won.
pub fn share(amount_krw: i64, bps: i64) -> i64 {
    let exact = i128::from(amount_krw) * i128::from(bps);
    ((exact + i128::from(BASIS_POINTS / 2)) / i128::from(BASIS_POINTS)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeDelta, Utc};
    use proptest::prelude::*;
    use rstest::rstest;

    fn minutes(minutes: i64) -> Period {
        let nine: DateTime<Utc> = "2026-12-01T09:00:00Z".parse().unwrap();
        Period::new(nine, nine + TimeDelta::minutes(minutes)).unwrap()
    }

    #[rstest]
    #[case(60, 12_000, 12_000, 1_800)]
    #[case(61, 12_000, 24_000, 3_600)]
    #[case(240, 15_000, 60_000, 9_000)]
    #[case(60, 1_003, 1_003, 150)] // 150.45
    #[case(60, 1_010, 1_010, 152)] // 151.5: half goes up
    #[case(60, 1_009, 1_009, 151)] // 151.35
    fn quote(#[case] length: i64, #[case] rate: i64, #[case] total: i64, #[case] fee: i64) {
        let price = Price::quote(&minutes(length), rate).unwrap();
        assert_eq!((price.total_krw, price.platform_fee_krw), (total, fee));
        assert_eq!(price.host_share_krw(), total - fee);
    }

    #[rstest]
    #[case(0)]
    #[case(-1_000)]
    #[case(i64::MAX)]
    fn a_rate_that_is_no_price_is_refused(#[case] rate: i64) {
        assert_eq!(Price::quote(&minutes(120), rate), None);
    }

    proptest! {
        #[test]
        fn the_parts_make_the_total_and_the_fee_is_within_half_a_won(length in 60i64..=43_200, rate in 1_000i64..=1_000_000) {
            let price = Price::quote(&minutes(length), rate).unwrap();
            prop_assert_eq!(price.platform_fee_krw + price.host_share_krw(), price.total_krw);
            prop_assert_eq!(price.total_krw, (length + 59) / 60 * rate);
            let off_by = price.platform_fee_krw * BASIS_POINTS - price.total_krw * PLATFORM_FEE_BPS;
            prop_assert!((-(BASIS_POINTS / 2) + 1..=BASIS_POINTS / 2).contains(&off_by));
        }

        #[test]
        fn a_share_is_never_more_than_the_whole(amount in 0i64..=i64::MAX, bps in 0i64..=BASIS_POINTS) {
            prop_assert!((0..=amount).contains(&share(amount, bps)));
        }
    }
}
