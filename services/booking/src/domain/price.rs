//! Price of a rental as lines that sum to the total, platform fee and host share, in whole won.
//!
//! Time is billed by started half hours. A line of time is half of its quantity times the hourly rate, rounded half up: an odd number of
//! half hours at an odd rate costs half a won more. A discount is a percentage of all time, rounded half up.

mod coupon_terms;
mod rates;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::Period;

pub use coupon_terms::CouponTerms;
pub use rates::{DatedRate, LongRentalDiscount, Rates};

/// Basis points of the whole.
pub const BASIS_POINTS: i64 = 10_000;

/// Platform fee: 15 %.
pub const PLATFORM_FEE_BPS: i64 = 1_500;

/// Basis points of a percent.
const PERCENT_BPS: i64 = 100;

/// Price agreed when the rental was booked. Later changes of the car's rates do not affect it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Rate of the car, without those of dates.
    pub hourly_rate_krw: i64,
    pub total_krw: i64,
    /// Included in `total_krw`.
    pub platform_fee_krw: i64,
    /// They sum to `total_krw`. Stored as JSON.
    pub lines: Vec<PriceLine>,
}

/// An amount of the price, and what it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceLine {
    pub kind: LineKind,
    /// Started half hours; zero for a coupon.
    pub half_hours: i64,
    /// Won an hour; zero for a discount.
    pub unit_krw: i64,
    /// Of a discount; zero for time and for a fixed amount.
    pub percent: i32,
    /// Negative for a discount.
    pub amount_krw: i64,
}

/// What an amount is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// Time at the car's rate.
    Time,
    /// Time at the rate of a date.
    DatedTime,
    LongRentalDiscount,
    /// A coupon that the host bears.
    HostCoupon,
    /// A coupon that the platform bears.
    PlatformCoupon,
}

impl Price {
    /// Calculates the price of a period, with a coupon if there is one. `None` when a rate or the total is not positive, or the total
    /// overflows.
    pub fn quote(period: &Period, rates: &Rates, coupon: Option<CouponTerms>) -> Option<Self> {
        let mut lines = rates.time_lines(period)?;
        let time_krw = sum(&lines)?;
        lines.extend(rates.discount_line(period, time_krw));
        let mut total_krw = sum(&lines).filter(|total| *total > 0)?;
        let mut platform_fee_krw = share(total_krw, PLATFORM_FEE_BPS);
        if let Some(terms) = coupon {
            let line = terms.line(total_krw);
            platform_fee_krw = terms.platform_fee_krw(total_krw, &line);
            total_krw += line.amount_krw;
            lines.push(line);
        }
        Some(Self {
            hourly_rate_krw: rates.hourly_krw,
            total_krw,
            platform_fee_krw,
            lines,
        })
    }

    /// Returns the coupon in the price. Its amount is what it takes off, which can be less than that of the coupon.
    pub fn coupon(&self) -> Option<CouponTerms> {
        self.lines.iter().find_map(CouponTerms::of_line)
    }

    /// Returns the won that a coupon takes off.
    pub fn coupon_krw(&self) -> i64 {
        let is_coupon = |line: &&PriceLine| CouponTerms::of_line(line).is_some();
        let lines = self.lines.iter().filter(is_coupon);
        lines.map(|line| -line.amount_krw).sum()
    }

    /// Returns the won that a coupon of the platform takes off.
    pub fn platform_discount_krw(&self) -> i64 {
        let lines = self.lines.iter();
        let borne = lines.filter(|line| line.kind == LineKind::PlatformCoupon);
        borne.map(|line| -line.amount_krw).sum()
    }

    /// Returns the lines of a booking of the releases that billed whole hours at one rate. Empty if the total is no such price.
    pub fn lines_of_whole_hours(total_krw: i64, hourly_rate_krw: i64) -> Vec<PriceLine> {
        if hourly_rate_krw <= 0 || total_krw % hourly_rate_krw != 0 {
            return Vec::new();
        }
        vec![PriceLine {
            kind: LineKind::Time,
            half_hours: total_krw / hourly_rate_krw * 2,
            unit_krw: hourly_rate_krw,
            percent: 0,
            amount_krw: total_krw,
        }]
    }

    /// Returns the host share: the total minus the fee, so that the two always sum to the total.
    pub fn host_share_krw(&self) -> i64 {
        self.total_krw - self.platform_fee_krw
    }

    /// Returns the VAT in the total: an eleventh, rounded half up.
    pub fn vat_krw(&self) -> i64 {
        ((i128::from(self.total_krw) * 2 + 11) / 22) as i64
    }
}

fn sum(lines: &[PriceLine]) -> Option<i64> {
    lines
        .iter()
        .try_fold(0i64, |total, line| total.checked_add(line.amount_krw))
}

/// Returns `bps` basis points of a non-negative amount, rounded half up to the won.
pub fn share(amount_krw: i64, bps: i64) -> i64 {
    let exact = i128::from(amount_krw) * i128::from(bps);
    ((exact + i128::from(BASIS_POINTS / 2)) / i128::from(BASIS_POINTS)) as i64
}
