//! `ListCoupons`: a host's own coupons, or those of the platform for an admin.

use carshare_chassis::pagination::PageRequest;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;

use super::{bearer, convert_coupon};
use crate::App;
use crate::domain::CouponId;
use crate::error::Error;
use crate::rpc::time_key;
use crate::store::coupons::{self, CouponKey};

pub async fn handle(
    app: &App,
    ctx: CallContext,
    mut request: pb::ListCouponsRequest,
) -> Result<pb::ListCouponsResponse, Error> {
    let page = PageRequest::take(&mut request, app.db.page_token_key().await?);
    let after = page.after()?.map(time_key::decode).transpose()?;
    let after = after.map(|(created_at, id)| CouponKey {
        created_at,
        id: CouponId(id),
    });
    let rows = coupons::list(app.db.conn(), bearer(ctx.user()?), after, page.limit()).await?;
    let page = page.cut(rows, |last| time_key::encode(last.created_at, last.id.0));
    Ok(pb::ListCouponsResponse {
        coupons: page.items.iter().map(convert_coupon::coupon).collect(),
        next_page_token: page.next_page_token,
    })
}
