//! Coupons: codes that lower the price of a booking. The one who issues a coupon bears it: a host, or the platform (ADR 0065).

#[cfg(test)]
mod tests;

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::price::CouponTerms;
use super::{CouponId, UserId, VehicleId};

/// Code of a coupon, in upper case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CouponCode(String);

/// A code that lowers the price of bookings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coupon {
    pub id: CouponId,
    pub code: CouponCode,
    /// `None` for a coupon of the platform.
    pub host_id: Option<UserId>,
    pub terms: CouponTerms,
    /// Won of the price without the coupon from which on it is valid.
    pub min_price_krw: i64,
    pub valid_from: DateTime<Utc>,
    /// Exclusive.
    pub valid_until: DateTime<Utc>,
    /// `None` if unlimited.
    pub max_redemptions: Option<i32>,
    /// Redemptions that are not released.
    pub redeemed: i32,
    /// The only car for which it is valid.
    pub vehicle_id: Option<VehicleId>,
    /// The only guest who can redeem it.
    pub guest_id: Option<UserId>,
    pub disabled_at: Option<DateTime<Utc>>,
    pub created_by: UserId,
    pub created_at: DateTime<Utc>,
}

/// What a coupon is to be used for.
#[derive(Clone, Copy, Debug)]
pub struct CouponUse {
    pub vehicle_id: VehicleId,
    pub host_id: UserId,
    pub guest_id: UserId,
    /// Won of the price without the coupon.
    pub price_krw: i64,
    /// Whether the guest has redeemed the coupon.
    pub is_redeemed: bool,
}

/// Why a coupon cannot be used or created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CouponRefusal {
    /// Unknown, disabled, or not of this car or guest. One answer, so that codes of others are not revealed.
    NotFound,
    NotValidNow,
    /// Redeemed as often as it can be.
    UsedUp,
    /// By this guest.
    AlreadyUsed,
    /// The price without the coupon is lower than this.
    MinPrice {
        min_krw: i64,
    },
    CodeTaken,
}

impl CouponCode {
    /// Returns the code that a text means, which the rules of the contract have checked.
    pub fn new(text: &str) -> Self {
        Self(text.to_ascii_uppercase())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CouponCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Coupon {
    /// Returns the terms for a new booking. The redemption counts again: what is decided here may have changed until then.
    pub fn use_for(&self, rental: CouponUse, now: DateTime<Utc>) -> Result<CouponTerms, CouponRefusal> {
        let is_of_host = self.host_id.is_none_or(|host| host == rental.host_id);
        let is_of_car = self.vehicle_id.is_none_or(|vehicle| vehicle == rental.vehicle_id);
        let is_of_guest = self.guest_id.is_none_or(|guest| guest == rental.guest_id);
        if self.disabled_at.is_some() || !is_of_host || !is_of_car || !is_of_guest {
            return Err(CouponRefusal::NotFound);
        }
        if now < self.valid_from || self.valid_until <= now {
            return Err(CouponRefusal::NotValidNow);
        }
        if rental.is_redeemed {
            return Err(CouponRefusal::AlreadyUsed);
        }
        if self.max_redemptions.is_some_and(|max| max <= self.redeemed) {
            return Err(CouponRefusal::UsedUp);
        }
        let min_krw = self.min_krw();
        if rental.price_krw < min_krw {
            return Err(CouponRefusal::MinPrice { min_krw });
        }
        Ok(self.terms)
    }

    /// Returns the lowest price for which it is valid: of an amount that a host bears, a part of the price has to stay.
    fn min_krw(&self) -> i64 {
        match self.terms {
            CouponTerms::HostAmount(amount_krw) => self.min_price_krw.max(amount_krw.saturating_add(1)),
            CouponTerms::HostPercent(_) | CouponTerms::PlatformAmount(_) => self.min_price_krw,
        }
    }
}
