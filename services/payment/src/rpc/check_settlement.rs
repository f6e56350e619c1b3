//! `CheckSettlement`: returns what is unsettled of a user, whose account is to be deleted.

use carshare_chassis::rpc::CallContext;
use carshare_proto::payment::v1 as pb;

use crate::App;
use crate::domain::ids::HostId;
use crate::error::Error;
use crate::store::unsettled;

pub(super) async fn handle(
    app: &App,
    _: CallContext,
    request: pb::CheckSettlementRequest,
) -> Result<pb::CheckSettlementResponse, Error> {
    let user = HostId::parse("user_id", &request.user_id)?;
    let found = unsettled::find(app.db.conn(), user).await?;
    Ok(pb::CheckSettlementResponse {
        payments_in_progress: found.in_progress,
        payable_amount: found.payable_krw,
    })
}
