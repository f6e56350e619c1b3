//! `GetSettlement`: returns a settlement with its items to its host and to admins; to other hosts it does not exist.

use carshare_chassis::rpc::CallContext;
use carshare_proto::payment::v1 as pb;

use super::{convert, owner};
use crate::App;
use crate::domain::ids::SettlementId;
use crate::error::Error;
use crate::store::{settlement_items, settlements};

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::GetSettlementRequest,
) -> Result<pb::SettlementDetails, Error> {
    let (conn, owner) = (app.db.conn(), owner(ctx.user()?));
    let id = SettlementId::parse("settlement_id", &request.settlement_id)?;
    let settlement = settlements::find(conn, id).await?;
    let settlement = settlement
        .filter(|settlement| owner.is_none_or(|host| host == settlement.host_id))
        .ok_or(Error::SettlementNotFound)?;
    let items = settlement_items::list(conn, id).await?;
    Ok(pb::SettlementDetails {
        settlement: Some(convert::settlement(&settlement)),
        items: items.iter().map(convert::item).collect(),
    })
}
