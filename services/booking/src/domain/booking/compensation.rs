//! What a guest gets when the host cancels at short notice: 10 % of the price within 24 hours before the start (소비자분쟁해결기준, rental cars), as
//! a coupon of the platform.

use chrono::{DateTime, TimeDelta, Utc};

use super::Booking;
use crate::domain::coupon::CouponCode;
use crate::domain::price::{CouponTerms, share};
use crate::domain::{CancellationReason, Coupon, CouponId, UserId};

/// A cancellation later than this before the start is compensated.
const SHORT_NOTICE: TimeDelta = TimeDelta::hours(24);

/// Part of the captured price.
const COMPENSATION_BPS: i64 = 1_000;

/// Time for which the coupon can be redeemed.
const VALID: TimeDelta = TimeDelta::days(365);

impl Booking {
    /// Returns the won that its cancellation entitles the guest to, zero if none: only if the host has cancelled a paid booking at short notice.
    pub fn compensation_krw(&self) -> i64 {
        let by_host = self
            .cancellation
            .as_ref()
            .filter(|cancellation| cancellation.reason == CancellationReason::Host);
        match by_host {
            Some(cancellation) if self.period.start() - cancellation.cancelled_at < SHORT_NOTICE => {
                share(cancellation.refund_krw, COMPENSATION_BPS)
            }
            _ => 0,
        }
    }

    /// Returns the coupon that compensates the guest for the cancellation by this host; `None` if it does not entitle them to one.
    pub fn compensation(
        &self,
        id: CouponId,
        code: CouponCode,
        host: UserId,
        now: DateTime<Utc>,
    ) -> Option<Coupon> {
        let amount_krw = self.compensation_krw();
        (amount_krw > 0).then(|| Coupon {
            id,
            code,
            host_id: None,
            terms: CouponTerms::PlatformAmount(amount_krw),
            min_price_krw: 0,
            valid_from: now,
            valid_until: now + VALID,
            max_redemptions: Some(1),
            redeemed: 0,
            vehicle_id: None,
            guest_id: Some(self.guest_id),
            disabled_at: None,
            created_by: host,
            created_at: now,
        })
    }
}
