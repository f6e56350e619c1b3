//! Terms that were quoted to a guest, as a token carries them.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::coupon::CouponCode;
use super::{CancellationPolicy, Price};

/// How long a quote is valid.
pub const QUOTE_LIFETIME: TimeDelta = TimeDelta::minutes(15);

/// Terms of a rental that is not booked yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    pub price: Price,
    pub policy: CancellationPolicy,
    /// Coupon in the price, which the booking redeems.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coupon: Option<CouponCode>,
    /// Exclusive.
    pub expires_at: DateTime<Utc>,
}

impl Quote {
    /// Returns the terms, valid from now on for [`QUOTE_LIFETIME`].
    pub fn new(
        price: Price,
        policy: CancellationPolicy,
        coupon: Option<CouponCode>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            price,
            policy,
            coupon,
            expires_at: now + QUOTE_LIFETIME,
        }
    }

    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at <= now
    }
}
