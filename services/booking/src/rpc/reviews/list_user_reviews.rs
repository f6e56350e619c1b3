//! `ListUserReviews`: the visible reviews about or by a user. Callers see all that they wrote themselves.

use carshare_chassis::pagination::PageRequest;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;

use super::{page_key, response};
use crate::App;
use crate::domain::UserId;
use crate::error::Error;
use crate::store::reviews::{self, ReviewFilter};

pub async fn handle(
    app: &App,
    ctx: CallContext,
    mut request: pb::ListUserReviewsRequest,
) -> Result<pb::ListUserReviewsResponse, Error> {
    let (conn, caller) = (app.db.conn(), UserId(ctx.user()?.id));
    let named = request.user_id.as_deref();
    let named = named.map(|id| UserId::parse("user_id", id)).transpose()?;
    let user = named.unwrap_or(caller);
    let filter = match request.direction() {
        pb::ReviewDirection::Unspecified | pb::ReviewDirection::Received => ReviewFilter::Received(user),
        pb::ReviewDirection::Written if user == caller => ReviewFilter::WrittenByCaller(user),
        pb::ReviewDirection::Written => ReviewFilter::Written(user),
    };
    let page = PageRequest::take(&mut request, app.db.page_token_key().await?).of_user(caller.0);
    let (now, after) = (app.environment.clock.now(), page_key::after(&page)?);
    let rows = reviews::list(conn, filter, now, after, page.limit()).await?;
    let page = page.cut(rows, |last| page_key::encode(reviews::written(last)));
    Ok(pb::ListUserReviewsResponse {
        reviews: response::reviews(conn, &page.items).await?,
        next_page_token: page.next_page_token,
    })
}
