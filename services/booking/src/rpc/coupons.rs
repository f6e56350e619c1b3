//! Handlers of `CouponService`, one file each, and the tonic service that delegates to them.

mod create_coupon;
mod disable_coupon;
mod list_coupons;

use carshare_chassis::identity::{Role, UserCaller};
use carshare_chassis::rpc;
use carshare_proto::booking::v1::coupon_service_server::CouponService;
use carshare_proto::booking::v1::*;
use tonic::Request;

use super::{Reply, Rpc, convert_coupon};
use crate::domain::UserId;

#[tonic::async_trait]
impl CouponService for Rpc {
    async fn create_coupon(&self, request: Request<CreateCouponRequest>) -> Reply<Coupon> {
        rpc::unary(&self.app, request, create_coupon::handle).await
    }

    async fn list_coupons(&self, request: Request<ListCouponsRequest>) -> Reply<ListCouponsResponse> {
        rpc::unary(&self.app, request, list_coupons::handle).await
    }

    async fn disable_coupon(&self, request: Request<DisableCouponRequest>) -> Reply<Coupon> {
        rpc::unary(&self.app, request, disable_coupon::handle).await
    }
}

/// Returns the host who bears the caller's coupons. Those of admins are borne by the platform.
fn bearer(user: &UserCaller) -> Option<UserId> {
    (user.role != Role::Admin).then_some(UserId(user.id))
}
