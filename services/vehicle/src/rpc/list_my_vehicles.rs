//! `ListMyVehicles`: a host's cars of every status, newest first. Withdrawn ones are not listed.

use carshare_chassis::pagination::PageRequest;
use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;
use uuid::Uuid;

use super::convert;
use crate::App;
use crate::domain::{UserId, VehicleId};
use crate::error::Result;
use crate::store::views;

pub async fn handle(
    app: &App,
    ctx: CallContext,
    mut request: pb::ListMyVehiclesRequest,
) -> Result<pb::ListMyVehiclesResponse> {
    let owner = UserId(ctx.user()?.id);
    let page = PageRequest::take(&mut request);
    let after = page.after()?.map(|key| VehicleId(Uuid::from_bytes(key)));
    let status = convert::status(request.status);
    let cars = views::list_of_owner(app.db.conn(), owner, status, after, page.limit()).await?;
    let page = page.cut(cars, |car| car.vehicle.id.0.into_bytes());
    let vehicles = page.items.into_iter();
    Ok(pb::ListMyVehiclesResponse {
        vehicles: vehicles.map(|car| convert::vehicle(car, &app.urls)).collect(),
        next_page_token: page.next_page_token,
    })
}
