//! `CreateCoupon`: a host's coupon for their cars, or one of the platform by an admin.
//!
//! A car is not looked up: a coupon for a car of another host is valid for no booking.

use carshare_chassis as chassis;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;
use chrono::{DateTime, Utc};

use super::{bearer, convert_coupon};
use crate::App;
use crate::domain::coupon::CouponCode;
use crate::domain::price::CouponTerms;
use crate::domain::{Coupon, CouponId, UserId, VehicleId};
use crate::error::Error;
use crate::rpc::{authorization, convert};
use crate::store::coupons;

struct Input {
    created_by: UserId,
    host: Option<UserId>,
    code: CouponCode,
    terms: CouponTerms,
    min_price_krw: i64,
    valid_from: DateTime<Utc>,
    valid_until: DateTime<Utc>,
    max_redemptions: Option<i32>,
    vehicle: Option<VehicleId>,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::CreateCouponRequest,
) -> Result<pb::Coupon, Error> {
    let host = bearer(ctx.user()?);
    let input = Input {
        created_by: authorization::caller(&ctx)?,
        host,
        code: CouponCode::new(&request.code),
        terms: terms(host, request.percent, request.amount)?,
        min_price_krw: request.min_price,
        valid_from: convert::time("valid_from", request.valid_from)?,
        valid_until: convert::time("valid_until", request.valid_until)?,
        max_redemptions: request.max_redemptions,
        vehicle: request
            .vehicle_id
            .as_deref()
            .map(convert::vehicle_id)
            .transpose()?,
    };
    app.db.idempotent(&ctx, "coupons.create", input, create).await
}

async fn create(tx: &Tx, input: &Input) -> Result<pb::Coupon, Error> {
    let coupon = Coupon {
        id: CouponId(tx.new_id()),
        code: input.code.clone(),
        host_id: input.host,
        terms: input.terms,
        min_price_krw: input.min_price_krw,
        valid_from: input.valid_from,
        valid_until: input.valid_until,
        max_redemptions: input.max_redemptions,
        redeemed: 0,
        vehicle_id: input.vehicle,
        guest_id: None,
        disabled_at: None,
        created_by: input.created_by,
        created_at: tx.now(),
    };
    coupons::insert(tx.conn(), &coupon).await?;
    Ok(convert_coupon::coupon(&coupon))
}

/// Reads what the coupon takes off: one of both, as the rules of the contract have checked.
fn terms(host: Option<UserId>, percent: Option<i32>, amount: Option<i64>) -> Result<CouponTerms, Error> {
    match (host, percent, amount) {
        (Some(_), Some(percent), None) => Ok(CouponTerms::HostPercent(percent)),
        (Some(_), None, Some(amount)) => Ok(CouponTerms::HostAmount(amount)),
        (None, None, Some(amount)) => Ok(CouponTerms::PlatformAmount(amount)),
        (None, Some(_), None) => Err(chassis::Error::invalid(
            "percent",
            "플랫폼 쿠폰은 할인 금액(amount)만 설정할 수 있습니다.",
            "a coupon of the platform has an amount",
        )
        .into()),
        _ => Err(Error::internal(anyhow::anyhow!(
            "a coupon with both or neither of percent and amount"
        ))),
    }
}
