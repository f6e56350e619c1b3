//! Price of a rental, platform fee and host share, in whole won.

use super::Period;

/// Basis points of the whole.
pub const BASIS_POINTS: i64 = 10_000;

/// Platform fee: 15 %.
pub const PLATFORM_FEE_BPS: i64 = 1_500;

/// Price agreed when the rental was booked. Later changes of the car's rate do not affect it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    pub hourly_rate_krw: i64,
    pub total_krw: i64,
    /// Included in `total_krw`.
    pub platform_fee_krw: i64,
}

impl Price {
    /// Calculates the price of a period. `None` when the rate is not positive or the total overflows.
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

    /// Returns the host share: the total minus the fee, so that the two always sum to the total.
    pub fn host_share_krw(&self) -> i64 {
        self.total_krw - self.platform_fee_krw
    }
}

/// Returns `bps` basis points of a non-negative amount, rounded half up to the won.
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
    #[case(60, 1_010, 1_010, 152)] // 151.5
    #[case(60, 1_009, 1_009, 151)] // 151.35
    fn quote_charges_begun_hours_and_rounds_the_fee_half_up(
        #[case] length: i64,
        #[case] rate: i64,
        #[case] total: i64,
        #[case] fee: i64,
    ) {
        let price = Price::quote(&minutes(length), rate).unwrap();
        assert_eq!((price.total_krw, price.platform_fee_krw), (total, fee));
        assert_eq!(price.host_share_krw(), total - fee);
    }

    #[rstest]
    #[case(0)]
    #[case(-1_000)]
    #[case(i64::MAX)]
    fn quote_refuses_a_rate_without_a_valid_total(#[case] rate: i64) {
        assert_eq!(Price::quote(&minutes(120), rate), None);
    }

    proptest! {
        #[test]
        fn fee_and_host_share_sum_to_the_total(length in 60i64..=43_200, rate in 1_000i64..=1_000_000) {
            let price = Price::quote(&minutes(length), rate).unwrap();
            prop_assert_eq!(price.platform_fee_krw + price.host_share_krw(), price.total_krw);
            prop_assert_eq!(price.total_krw, (length + 59) / 60 * rate);
            let off_by = price.platform_fee_krw * BASIS_POINTS - price.total_krw * PLATFORM_FEE_BPS;
            prop_assert!((-(BASIS_POINTS / 2) + 1..=BASIS_POINTS / 2).contains(&off_by));
        }

        #[test]
        fn share_never_exceeds_the_whole(amount in 0i64..=i64::MAX, bps in 0i64..=BASIS_POINTS) {
            prop_assert!((0..=amount).contains(&share(amount, bps)));
        }
    }
}
