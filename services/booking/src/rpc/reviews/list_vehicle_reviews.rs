//! `ListVehicleReviews`: the visible reviews of a car by its guests, for everybody.

use carshare_chassis::pagination::PageRequest;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;

use super::{page_key, response};
use crate::App;
use crate::domain::VehicleId;
use crate::error::Error;
use crate::store::reviews::{self, ReviewFilter};

pub async fn handle(
    app: &App,
    _: CallContext,
    mut request: pb::ListVehicleReviewsRequest,
) -> Result<pb::ListVehicleReviewsResponse, Error> {
    let conn = app.db.conn();
    let filter = ReviewFilter::OfVehicle(VehicleId::parse("vehicle_id", &request.vehicle_id)?);
    let page = PageRequest::take(&mut request, app.db.page_token_key().await?);
    let (now, after) = (app.environment.clock.now(), page_key::after(&page)?);
    let rows = reviews::list(conn, filter, now, after, page.limit()).await?;
    let page = page.cut(rows, |last| page_key::encode(reviews::written(last)));
    Ok(pb::ListVehicleReviewsResponse {
        reviews: response::reviews(conn, &page.items).await?,
        next_page_token: page.next_page_token,
    })
}
