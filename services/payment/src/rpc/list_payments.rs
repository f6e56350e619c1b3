//! `ListPayments`: lists the caller's payments, as guest or as host, newest first.

use carshare_chassis::pagination;
use carshare_chassis::rpc::CallContext;
use carshare_proto::payment::v1 as pb;
use uuid::Uuid;

use super::convert;
use crate::App;
use crate::domain::ids::PaymentId;
use crate::error::Error;
use crate::store::payments;

/// Page size when the request names none.
const DEFAULT_PAGE_SIZE: usize = 50;

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::ListPaymentsRequest,
) -> Result<pb::ListPaymentsResponse, Error> {
    let after =
        pagination::decode_page_token(&request.page_token)?.map(|place| PaymentId(Uuid::from_bytes(place)));
    let size = usize::try_from(request.page_size)
        .ok()
        .filter(|size| *size > 0)
        .unwrap_or(DEFAULT_PAGE_SIZE);
    // One more than requested, to know whether another page follows.
    let mut page = payments::list(app.db.conn(), ctx.user()?.id, after, size as u64 + 1).await?;
    let more = page.len() > size;
    page.truncate(size);
    let last = page.last().filter(|_| more);
    Ok(pb::ListPaymentsResponse {
        next_page_token: last
            .map(|payment| pagination::page_token(payment.id.0.as_bytes()))
            .unwrap_or_default(),
        payments: page.iter().map(convert::payment).collect(),
    })
}
