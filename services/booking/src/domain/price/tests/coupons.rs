//! Prices with a coupon.

use super::*;
use CouponTerms::{HostAmount, HostPercent, PlatformAmount};

/// Line of a coupon, total and platform fee.
fn with_coupon(length: i64, rates: &Rates, terms: CouponTerms) -> (i64, i64, i64) {
    let price = Price::quote(&minutes(length), rates, Some(terms)).unwrap();
    let line = price.lines.last().unwrap();
    let kind = match terms {
        HostPercent(_) | HostAmount(_) => LineKind::HostCoupon,
        PlatformAmount(_) => LineKind::PlatformCoupon,
    };
    assert_eq!((line.kind, line.half_hours, line.unit_krw), (kind, 0, 0));
    assert_eq!(price.coupon_krw(), -line.amount_krw);
    (line.amount_krw, price.total_krw, price.platform_fee_krw)
}

#[rstest]
#[case(240, 15_000, 10, -6_000, 54_000, 8_100)]
#[case(240, 15_000, 90, -54_000, 6_000, 900)]
#[case(240, 15_001, 33, -19_801, 40_203, 6_030)] // 19801.32, 6030.45
#[case(60, 1_010, 15, -152, 858, 129)] // 151.5, 128.7
#[case(60, 1_003, 50, -502, 501, 75)] // 501.5, 75.15
fn percent_of_a_host_is_rounded_half_up_and_lowers_the_fee(
    #[case] length: i64,
    #[case] rate: i64,
    #[case] percent: i32,
    #[case] line: i64,
    #[case] total: i64,
    #[case] fee: i64,
) {
    let found = with_coupon(length, &hourly(rate), HostPercent(percent));
    assert_eq!(found, (line, total, fee));
}

#[rstest]
#[case(10_000, -10_000, 50_000, 7_500)]
#[case(59_999, -59_999, 1, 0)]
#[case(60_000, -59_999, 1, 0)]
#[case(i64::MAX, -59_999, 1, 0)]
fn amount_of_a_host_lowers_the_fee_and_leaves_a_won(
    #[case] amount: i64,
    #[case] line: i64,
    #[case] total: i64,
    #[case] fee: i64,
) {
    let found = with_coupon(240, &hourly(15_000), HostAmount(amount));
    assert_eq!(found, (line, total, fee));
}

#[rstest]
#[case(240, 15_000, 5_000, -5_000, 55_000, 4_000)]
#[case(240, 15_000, 9_000, -9_000, 51_000, 0)]
#[case(240, 15_000, 20_000, -9_000, 51_000, 0)]
#[case(60, 1_003, 151, -150, 853, 0)] // 150.45
#[case(60, 1_003, 149, -149, 854, 1)]
fn coupon_of_the_platform_is_taken_off_its_fee(
    #[case] length: i64,
    #[case] rate: i64,
    #[case] amount: i64,
    #[case] line: i64,
    #[case] total: i64,
    #[case] fee: i64,
) {
    let found = with_coupon(length, &hourly(rate), PlatformAmount(amount));
    assert_eq!(found, (line, total, fee));
}

#[rstest]
#[case(HostPercent(10), -4_500, 40_500, 6_075)]
#[case(HostAmount(5_000), -5_000, 40_000, 6_000)]
#[case(PlatformAmount(5_000), -5_000, 40_000, 1_750)]
fn coupon_counts_after_the_discount_for_a_long_rental(
    #[case] terms: CouponTerms,
    #[case] line: i64,
    #[case] total: i64,
    #[case] fee: i64,
) {
    let half = LongRentalDiscount {
        min_hours: 5,
        percent: 50,
    };
    let rates = Rates {
        long_rental_discounts: vec![half],
        ..hourly(15_000)
    };
    assert_eq!(with_coupon(360, &rates, terms), (line, total, fee));
}

fn terms() -> impl Strategy<Value = CouponTerms> {
    prop_oneof![
        (1i32..=90).prop_map(HostPercent),
        (1i64..=1_000_000).prop_map(HostAmount),
        (1i64..=1_000_000).prop_map(PlatformAmount),
    ]
}

proptest! {
    #[test]
    fn the_one_who_issues_a_coupon_bears_it(rates in rates(), length in 60i64..=43_200, terms in terms()) {
        let without = Price::quote(&minutes(length), &rates, None).unwrap();
        let price = Price::quote(&minutes(length), &rates, Some(terms)).unwrap();
        prop_assert_eq!(price.lines.iter().map(|line| line.amount_krw).sum::<i64>(), price.total_krw);
        prop_assert!(price.total_krw > 0);
        prop_assert!((0..=price.total_krw).contains(&price.platform_fee_krw));
        match terms {
            PlatformAmount(_) => prop_assert_eq!(price.host_share_krw(), without.host_share_krw()),
            HostPercent(_) | HostAmount(_) => {
                prop_assert_eq!(price.platform_fee_krw, share(price.total_krw, PLATFORM_FEE_BPS));
            }
        }
    }

    #[test]
    fn price_keeps_its_coupon(rates in rates(), length in 60i64..=43_200, terms in terms()) {
        let price = Price::quote(&minutes(length), &rates, Some(terms)).unwrap();
        let again = Price::quote(&minutes(length), &rates, price.coupon()).unwrap();
        prop_assert_eq!(again, price);
    }
}
