//! What a coupon takes off a price, and who bears it.

use super::{LineKind, PERCENT_BPS, PLATFORM_FEE_BPS, PriceLine, share};

/// What a coupon takes off a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CouponTerms {
    /// Percent of the price. The host bears it.
    HostPercent(i32),
    /// Won. The host bears them.
    HostAmount(i64),
    /// Won. The platform bears them, at most its fee.
    PlatformAmount(i64),
}

impl CouponTerms {
    /// Returns the line of a price that is this much without the coupon. At least one won of the price stays.
    pub(super) fn line(self, before_krw: i64) -> PriceLine {
        let (kind, percent, amount_krw) = match self {
            Self::HostPercent(percent) => {
                let amount_krw = share(before_krw, i64::from(percent) * PERCENT_BPS);
                (LineKind::HostCoupon, percent, amount_krw.min(before_krw - 1))
            }
            Self::HostAmount(amount_krw) => (LineKind::HostCoupon, 0, amount_krw.min(before_krw - 1)),
            Self::PlatformAmount(amount_krw) => {
                let fee_krw = share(before_krw, PLATFORM_FEE_BPS);
                (LineKind::PlatformCoupon, 0, amount_krw.min(fee_krw))
            }
        };
        PriceLine {
            kind,
            half_hours: 0,
            unit_krw: 0,
            percent,
            amount_krw: -amount_krw,
        }
    }

    /// Returns the terms that a line of a price has; `None` if it is not that of a coupon.
    pub(super) fn of_line(line: &PriceLine) -> Option<Self> {
        match line.kind {
            LineKind::HostCoupon if line.percent > 0 => Some(Self::HostPercent(line.percent)),
            LineKind::HostCoupon => Some(Self::HostAmount(-line.amount_krw)),
            LineKind::PlatformCoupon => Some(Self::PlatformAmount(-line.amount_krw)),
            LineKind::Time | LineKind::DatedTime | LineKind::LongRentalDiscount => None,
        }
    }

    /// Returns the platform fee of a price with this line, which is this much without it: 15 % of what the guest pays, or, of a coupon that
    /// the platform bears, 15 % of the price without it less the coupon.
    pub(super) fn platform_fee_krw(self, before_krw: i64, line: &PriceLine) -> i64 {
        match self {
            Self::HostPercent(_) | Self::HostAmount(_) => {
                share(before_krw + line.amount_krw, PLATFORM_FEE_BPS)
            }
            Self::PlatformAmount(_) => share(before_krw, PLATFORM_FEE_BPS) + line.amount_krw,
        }
    }
}
