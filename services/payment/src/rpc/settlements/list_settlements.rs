//! `ListSettlements`: lists settlements, of a host or of all.

use carshare_chassis::pagination::PageRequest;
use carshare_chassis::rpc::CallContext;
use carshare_proto::payment::v1 as pb;
use uuid::Uuid;

use super::{convert, owner};
use crate::App;
use crate::domain::ids::{HostId, SettlementId};
use crate::error::Error;
use crate::store::settlements::{self, SettlementFilter};

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    mut request: pb::ListSettlementsRequest,
) -> Result<pb::ListSettlementsResponse, Error> {
    let (conn, caller) = (app.db.conn(), ctx.user()?);
    let host = request.host_id.as_deref();
    let filter = SettlementFilter {
        owner: owner(caller),
        host: host.map(|id| HostId::parse("host_id", id)).transpose()?,
        state: convert::state(request.status()),
    };
    let page = PageRequest::take(&mut request, app.db.page_token_key().await?).of_user(caller.id);
    let after = page.after()?.map(|key| SettlementId(Uuid::from_bytes(key)));
    let rows = settlements::list(conn, &filter, after, page.limit()).await?;
    let total_size = page.total(settlements::count(conn, &filter)).await?;
    let page = page.cut(rows, |settlement| settlement.id.0.into_bytes());
    Ok(pb::ListSettlementsResponse {
        settlements: page.items.iter().map(convert::settlement).collect(),
        next_page_token: page.next_page_token,
        total_size,
    })
}
