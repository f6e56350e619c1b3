//! `ListPayments`: lists the caller's payments, as guest or as host, newest first.

use carshare_chassis::pagination::PageRequest;
use carshare_chassis::rpc::CallContext;
use carshare_proto::payment::v1 as pb;
use uuid::Uuid;

use super::convert;
use crate::App;
use crate::domain::ids::PaymentId;
use crate::error::Error;
use crate::store::payments;

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    mut request: pb::ListPaymentsRequest,
) -> Result<pb::ListPaymentsResponse, Error> {
    let page = PageRequest::take(&mut request);
    let after = page.after()?.map(|key| PaymentId(Uuid::from_bytes(key)));
    let rows = payments::list(app.db.conn(), ctx.user()?.id, after, page.limit()).await?;
    let page = page.cut(rows, |payment| payment.id.0.into_bytes());
    Ok(pb::ListPaymentsResponse {
        payments: page.items.iter().map(convert::payment).collect(),
        next_page_token: page.next_page_token,
    })
}
