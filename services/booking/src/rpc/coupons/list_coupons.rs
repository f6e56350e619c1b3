//! `ListCoupons`: a host's own coupons, those that only a guest can redeem, or those of the platform for an admin.

use carshare_chassis::identity::{Role, UserCaller};
use carshare_chassis::pagination::PageRequest;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;

use super::convert_coupon;
use crate::App;
use crate::domain::{CouponId, UserId};
use crate::error::Error;
use crate::rpc::time_key;
use crate::store::coupons::{self, CouponKey, Owner};

pub async fn handle(
    app: &App,
    ctx: CallContext,
    mut request: pb::ListCouponsRequest,
) -> Result<pb::ListCouponsResponse, Error> {
    let page = PageRequest::take(&mut request, app.db.page_token_key().await?).of_user(ctx.user()?.id);
    let after = page.after()?.map(time_key::decode).transpose()?;
    let after = after.map(|(created_at, id)| CouponKey {
        created_at,
        id: CouponId(id),
    });
    let rows = coupons::list(app.db.conn(), owner(ctx.user()?), after, page.limit()).await?;
    let page = page.cut(rows, |last| time_key::encode(last.created_at, last.id.0));
    Ok(pb::ListCouponsResponse {
        coupons: page.items.iter().map(convert_coupon::coupon).collect(),
        next_page_token: page.next_page_token,
    })
}

fn owner(user: &UserCaller) -> Owner {
    match user.role {
        Role::Host => Owner::Host(UserId(user.id)),
        Role::Guest | Role::Unenrolled => Owner::Guest(UserId(user.id)),
        Role::Admin => Owner::Platform,
    }
}
