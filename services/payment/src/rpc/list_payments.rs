//! `ListPayments`: lists the caller's payments, as guest or as host, newest first.

use carshare_chassis::pagination::{self, Page, PageSize};
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
    request: pb::ListPaymentsRequest,
) -> Result<pb::ListPaymentsResponse, Error> {
    let after =
        pagination::decode_page_token(&request.page_token)?.map(|place| PaymentId(Uuid::from_bytes(place)));
    let size = PageSize::requested(request.page_size);
    let rows = payments::list(app.db.conn(), ctx.user()?.id, after, size.limit()).await?;
    let page = Page::cut(rows, size, |payment| payment.id.0.into_bytes());
    Ok(pb::ListPaymentsResponse {
        payments: page.items.iter().map(convert::payment).collect(),
        next_page_token: page.next_page_token,
    })
}
