//! `ListReportedReviews`: reported reviews with the decisions about them, for admins.

use carshare_chassis::pagination::PageRequest;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;

use super::{page_key, response};
use crate::App;
use crate::error::Error;
use crate::store::reviews;

pub async fn handle(
    app: &App,
    _: CallContext,
    mut request: pb::ListReportedReviewsRequest,
) -> Result<pb::ListReportedReviewsResponse, Error> {
    let (conn, include_decided) = (app.db.conn(), request.include_decided);
    let page = PageRequest::take(&mut request, app.db.page_token_key().await?);
    let after = page_key::after(&page)?;
    let rows = reviews::list_reported(conn, include_decided, after, page.limit()).await?;
    let page = page.cut(rows, |last| page_key::encode(reviews::reported(last)));
    Ok(pb::ListReportedReviewsResponse {
        reviews: response::moderated(conn, &page.items).await?,
        next_page_token: page.next_page_token,
    })
}
