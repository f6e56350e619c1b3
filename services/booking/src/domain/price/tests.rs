//! Prices: half hours, rates of dates, discounts, shares.

mod coupons;

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};
use proptest::prelude::*;
use rstest::rstest;

use super::*;

/// Begins at 18:00 in Seoul on 1 December 2026, a Tuesday.
fn minutes(minutes: i64) -> Period {
    let nine: DateTime<Utc> = "2026-12-01T09:00:00Z".parse().unwrap();
    Period::new(nine, nine + TimeDelta::minutes(minutes)).unwrap()
}

fn hourly(hourly_krw: i64) -> Rates {
    Rates {
        hourly_krw,
        dated: Vec::new(),
        long_rental_discounts: Vec::new(),
    }
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn discount(min_hours: i32, percent: i32) -> LongRentalDiscount {
    LongRentalDiscount { min_hours, percent }
}

fn line(kind: LineKind, half_hours: i64, unit_krw: i64, amount_krw: i64) -> PriceLine {
    PriceLine {
        kind,
        half_hours,
        unit_krw,
        percent: 0,
        amount_krw,
    }
}

#[rstest]
#[case(60, 12_000, 12_000, 1_800)]
#[case(61, 12_000, 18_000, 2_700)]
#[case(90, 12_000, 18_000, 2_700)]
#[case(240, 15_000, 60_000, 9_000)]
#[case(60, 1_003, 1_003, 150)] // 150.45
#[case(60, 1_010, 1_010, 152)] // 151.5
#[case(60, 1_009, 1_009, 151)] // 151.35
#[case(90, 1_001, 1_502, 225)] // 1501.5, 225.3
fn quote_charges_started_half_hours_and_rounds_half_up(
    #[case] length: i64,
    #[case] rate: i64,
    #[case] total: i64,
    #[case] fee: i64,
) {
    let price = Price::quote(&minutes(length), &hourly(rate), None).unwrap();
    assert_eq!((price.total_krw, price.platform_fee_krw), (total, fee));
    assert_eq!(price.host_share_krw(), total - fee);
}

#[rstest]
#[case(0)]
#[case(-1_000)]
#[case(i64::MAX)]
fn quote_refuses_a_rate_without_a_valid_total(#[case] rate: i64) {
    assert_eq!(Price::quote(&minutes(120), &hourly(rate), None), None);
}

#[test]
fn half_hours_have_the_rate_of_their_date_in_seoul() {
    let rates = Rates {
        dated: vec![DatedRate {
            start_date: date("2026-12-02"),
            end_date: date("2026-12-02"),
            hourly_krw: 20_001,
        }],
        ..hourly(15_000)
    };
    // From 18:00 on the 1st to 01:15 on the 3rd: 6 hours, 24 hours, and a started third half hour.
    let price = Price::quote(&minutes(31 * 60 + 15), &rates, None).unwrap();
    let expected = [
        line(LineKind::Time, 12 + 3, 15_000, 112_500),
        line(LineKind::DatedTime, 48, 20_001, 480_024),
    ];
    assert_eq!(price.lines, expected);
    assert_eq!((price.total_krw, price.hourly_rate_krw), (592_524, 15_000));
}

#[rstest]
#[case(167 * 60 + 30, None)]
#[case(167 * 60 + 31, Some((10, -252_000)))]
#[case(672 * 60, Some((20, -2_016_000)))]
fn highest_discount_that_the_billed_time_reaches_counts(
    #[case] length: i64,
    #[case] expected: Option<(i32, i64)>,
) {
    let rates = Rates {
        long_rental_discounts: vec![discount(168, 10), discount(672, 20), discount(600, 5)],
        ..hourly(15_000)
    };
    let price = Price::quote(&minutes(length), &rates, None).unwrap();
    let last = price.lines.last().unwrap();
    let found = (last.kind == LineKind::LongRentalDiscount).then_some((last.percent, last.amount_krw));
    assert_eq!(found, expected);
}

#[rstest]
#[case(60_000, 5_455)] // 5454.5
#[case(11, 1)]
#[case(5, 0)]
#[case(6, 1)]
fn vat_is_an_eleventh_rounded_half_up(#[case] total_krw: i64, #[case] vat: i64) {
    let price = Price {
        total_krw,
        ..Price::quote(&minutes(60), &hourly(1_000), None).unwrap()
    };
    assert_eq!(price.vat_krw(), vat);
}

/// The words are stored, and read one release before they are written.
#[test]
fn lines_of_coupons_read_back() {
    let stored = serde_json::json!([
        { "kind": "host_coupon", "half_hours": 0, "unit_krw": 0, "percent": 10, "amount_krw": -6_000 },
        { "kind": "platform_coupon", "half_hours": 0, "unit_krw": 0, "percent": 0, "amount_krw": -5_000 },
    ]);
    let percent = PriceLine {
        percent: 10,
        ..line(LineKind::HostCoupon, 0, 0, -6_000)
    };
    let lines = [percent, line(LineKind::PlatformCoupon, 0, 0, -5_000)];
    assert_eq!(serde_json::json!(lines), stored);
    assert_eq!(serde_json::from_value::<Vec<PriceLine>>(stored).unwrap(), lines);
}

#[test]
fn lines_of_earlier_releases_follow_from_total_and_rate() {
    let lines = Price::lines_of_whole_hours(60_000, 15_000);
    assert_eq!(lines, [line(LineKind::Time, 8, 15_000, 60_000)]);
    assert_eq!(Price::lines_of_whole_hours(60_001, 15_000), []);
}

/// Rates of up to four separate spans of December, and up to three discounts.
fn rates() -> impl Strategy<Value = Rates> {
    let dated = prop::collection::vec((1u32..8, 0i64..6, 1_000i64..=1_000_000), 0..4);
    let discounts = prop::collection::vec((24i32..=720, 1i32..=80), 0..3);
    (1_000i64..=1_000_000, dated, discounts).prop_map(|(hourly_krw, dated, discounts)| {
        let dated = dated
            .into_iter()
            .enumerate()
            .map(|(week, (day, length, hourly_krw))| {
                let first =
                    date("2026-11-24") + TimeDelta::weeks(week as i64 * 2) + TimeDelta::days(day.into());
                DatedRate {
                    start_date: first,
                    end_date: first + TimeDelta::days(length),
                    hourly_krw,
                }
            });
        Rates {
            hourly_krw,
            dated: dated.collect(),
            long_rental_discounts: discounts
                .into_iter()
                .map(|(hours, percent)| discount(hours, percent))
                .collect(),
        }
    })
}

/// The rate of each half hour, one by one.
fn rates_one_by_one(rates: &Rates, period: &Period) -> Vec<i64> {
    let seoul = FixedOffset::east_opt(9 * 3600).unwrap();
    (0..period.started_half_hours())
        .map(|number| {
            let begin = period.start() + TimeDelta::minutes(number * 30);
            let date = begin.with_timezone(&seoul).date_naive();
            let dated = rates
                .dated
                .iter()
                .find(|rate| (rate.start_date..=rate.end_date).contains(&date));
            dated.map_or(rates.hourly_krw, |rate| rate.hourly_krw)
        })
        .collect()
}

proptest! {
    #[test]
    fn lines_sum_to_the_total_and_shares_too(rates in rates(), length in 60i64..=43_200) {
        let price = Price::quote(&minutes(length), &rates, None).unwrap();
        prop_assert_eq!(price.lines.iter().map(|line| line.amount_krw).sum::<i64>(), price.total_krw);
        prop_assert_eq!(price.platform_fee_krw + price.host_share_krw(), price.total_krw);
        let off_by = price.platform_fee_krw * BASIS_POINTS - price.total_krw * PLATFORM_FEE_BPS;
        prop_assert!((-(BASIS_POINTS / 2) + 1..=BASIS_POINTS / 2).contains(&off_by));
        prop_assert!((0..=price.total_krw).contains(&price.vat_krw()));
    }

    #[test]
    fn time_is_that_of_every_half_hour(rates in rates(), length in 60i64..=43_200) {
        let period = minutes(length);
        let one_by_one = rates_one_by_one(&rates, &period);
        let time: Vec<_> = rates.time_lines(&period).unwrap();
        prop_assert_eq!(time.iter().map(|line| line.half_hours).sum::<i64>(), one_by_one.len() as i64);
        let doubled: i64 = one_by_one.iter().sum();
        let billed: i64 = time.iter().map(|line| line.amount_krw * 2).sum();
        // Each line rounds half a won up at most.
        prop_assert!((0..=time.len() as i64).contains(&(billed - doubled)));
    }

    #[test]
    fn longer_time_never_costs_less_before_discounts(rates in rates(), a in 60i64..=43_200, b in 60i64..=43_200) {
        let rates = Rates { long_rental_discounts: Vec::new(), ..rates };
        let total = |length| Price::quote(&minutes(length), &rates, None).unwrap().total_krw;
        prop_assert!(total(a.max(b)) >= total(a.min(b)));
    }

    #[test]
    fn share_never_exceeds_the_whole(amount in 0i64..=i64::MAX, bps in 0i64..=BASIS_POINTS) {
        prop_assert!((0..=amount).contains(&share(amount, bps)));
    }

    #[test]
    fn stored_lines_read_back(rates in rates(), length in 60i64..=43_200) {
        let lines = Price::quote(&minutes(length), &rates, None).unwrap().lines;
        let stored = serde_json::json!(lines);
        prop_assert_eq!(serde_json::from_value::<Vec<PriceLine>>(stored).unwrap(), lines);
    }
}
