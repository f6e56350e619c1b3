//! `SettlePayments`: an admin makes the settlements that are due. A repeated or concurrent call does not make them twice.

use carshare_chassis::rpc::CallContext;
use carshare_proto::payment::v1 as pb;
use carshare_store::Tx;

use super::convert;
use crate::App;
use crate::domain::ids::HostId;
use crate::error::Error;
use crate::settlement::{self, Due};

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::SettlePaymentsRequest,
) -> Result<pb::SettlePaymentsResponse, Error> {
    let host = request.host_id.as_deref();
    let due = Due {
        host: host.map(|id| HostId::parse("host_id", id)).transpose()?,
        hold: app.settlement.hold,
    };
    app.db.idempotent(&ctx, "settlements.create", due, create).await
}

async fn create(tx: &Tx, due: &Due) -> Result<pb::SettlePaymentsResponse, Error> {
    let batch = settlement::create_due(tx, due).await?;
    Ok(pb::SettlePaymentsResponse {
        settlements: batch.settlements.iter().map(convert::settlement).collect(),
        has_more: batch.has_more,
    })
}
