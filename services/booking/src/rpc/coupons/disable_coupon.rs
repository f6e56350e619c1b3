//! `DisableCoupon`: the one who bears a coupon ends its use.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{bearer, convert_coupon};
use crate::App;
use crate::domain::UserId;
use crate::domain::coupon::{CouponCode, CouponRefusal};
use crate::error::Error;
use crate::store::coupons;

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::DisableCouponRequest,
) -> Result<pb::Coupon, Error> {
    let input = (CouponCode::new(&request.code), bearer(ctx.user()?));
    app.db.idempotent(&ctx, "coupons.disable", input, disable).await
}

async fn disable(tx: &Tx, (code, host): &(CouponCode, Option<UserId>)) -> Result<pb::Coupon, Error> {
    let disabled = coupons::disable(tx.conn(), code, *host, tx.now()).await?;
    let coupon = disabled.ok_or(CouponRefusal::NotFound)?;
    Ok(convert_coupon::coupon(&coupon))
}
