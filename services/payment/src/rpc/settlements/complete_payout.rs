//! `CompletePayout`: an admin reports the bank transfer that paid a settlement.

use carshare_chassis::rpc::CallContext;
use carshare_proto::payment::v1 as pb;
use carshare_store::Tx;

use super::convert;
use crate::App;
use crate::domain::ids::{AdminId, SettlementId};
use crate::error::Error;
use crate::settlement::{self, TransferReport};

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::CompletePayoutRequest,
) -> Result<pb::Settlement, Error> {
    let report = TransferReport {
        settlement: SettlementId::parse("settlement_id", &request.settlement_id)?,
        reference: request.transfer_reference,
        admin: AdminId(ctx.user()?.id),
    };
    app.db
        .idempotent(&ctx, "settlements.complete", report, complete)
        .await
}

async fn complete(tx: &Tx, report: &TransferReport) -> Result<pb::Settlement, Error> {
    let settlement = settlement::complete(tx, report).await?;
    Ok(convert::settlement(&settlement))
}
