//! Conversions of coupons.

use carshare_chassis::proto_types::timestamp;
use carshare_proto::booking::v1 as pb;

use crate::domain::Coupon;
use crate::domain::price::CouponTerms;

pub fn coupon(coupon: &Coupon) -> pb::Coupon {
    let (percent, amount) = match coupon.terms {
        CouponTerms::HostPercent(percent) => (Some(percent), None),
        CouponTerms::HostAmount(amount) | CouponTerms::PlatformAmount(amount) => (None, Some(amount)),
    };
    pb::Coupon {
        code: coupon.code.to_string(),
        host_id: coupon.host_id.map(|host| host.to_string()),
        percent,
        amount,
        min_price: coupon.min_price_krw,
        valid_from: Some(timestamp(coupon.valid_from)),
        valid_until: Some(timestamp(coupon.valid_until)),
        max_redemptions: coupon.max_redemptions,
        redemptions: coupon.redeemed,
        vehicle_id: coupon.vehicle_id.map(|vehicle| vehicle.to_string()),
        guest_id: coupon.guest_id.map(|guest| guest.to_string()),
        disabled_at: coupon.disabled_at.map(timestamp),
        created_at: Some(timestamp(coupon.created_at)),
    }
}
