//! Handlers of `SettlementService`, one file each, and the tonic service that delegates to them.

mod complete_payout;
mod convert;
mod get_settlement;
mod list_settlements;
mod settle_payments;

use carshare_chassis::identity::{Role, UserCaller};
use carshare_chassis::rpc;
use carshare_proto::payment::v1 as pb;
use carshare_proto::payment::v1::settlement_service_server::SettlementService;
use tonic::{Request, Response, Status, async_trait};

use super::Rpc;
use crate::domain::ids::HostId;

#[async_trait]
impl SettlementService for Rpc {
    async fn settle_payments(
        &self,
        request: Request<pb::SettlePaymentsRequest>,
    ) -> Result<Response<pb::SettlePaymentsResponse>, Status> {
        rpc::unary(&self.app, request, settle_payments::handle).await
    }

    async fn list_settlements(
        &self,
        request: Request<pb::ListSettlementsRequest>,
    ) -> Result<Response<pb::ListSettlementsResponse>, Status> {
        rpc::unary(&self.app, request, list_settlements::handle).await
    }

    async fn get_settlement(
        &self,
        request: Request<pb::GetSettlementRequest>,
    ) -> Result<Response<pb::SettlementDetails>, Status> {
        rpc::unary(&self.app, request, get_settlement::handle).await
    }

    async fn complete_payout(
        &self,
        request: Request<pb::CompletePayoutRequest>,
    ) -> Result<Response<pb::Settlement>, Status> {
        rpc::unary(&self.app, request, complete_payout::handle).await
    }
}

/// Returns the host to which the settlements that the caller sees are limited; `None` for admins, who see all.
fn owner(caller: &UserCaller) -> Option<HostId> {
    (caller.role != Role::Admin).then_some(HostId(caller.id))
}
