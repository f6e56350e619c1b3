//! `ListMyVehicles`: a host's cars. Withdrawn ones are not listed.

use carshare_chassis::pagination::{PageRequest, SortKey};
use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;

use super::convert;
use crate::App;
use crate::domain::{LicensePlate, UserId, unless_empty};
use crate::error::Result;
use crate::store::views::{self, Fleet, FleetOrder};

pub async fn handle(
    app: &App,
    ctx: CallContext,
    mut request: pb::ListMyVehiclesRequest,
) -> Result<pb::ListMyVehiclesResponse> {
    let (conn, order) = (app.db.conn(), order(request.order_by()));
    let fleet = Fleet {
        owner: UserId(ctx.user()?.id),
        status: convert::status(request.status),
        license_plate: unless_empty(LicensePlate::normal_form(&request.license_plate)),
    };
    let page = PageRequest::take(&mut request, app.db.page_token_key().await?).of_user(fleet.owner.0);
    let after = page.after()?.map(SortKey::decode);
    let cars = views::list_of_fleet(conn, &fleet, order, after, page.limit()).await?;
    let total_size = page.total(views::count_of_fleet(conn, &fleet)).await?;
    let page = page.cut(cars, |car| order.key(&car.vehicle).encode());
    let vehicles = page.items.into_iter();
    Ok(pb::ListMyVehiclesResponse {
        vehicles: vehicles.map(|car| convert::vehicle(car, &app.urls)).collect(),
        next_page_token: page.next_page_token,
        total_size,
    })
}

fn order(requested: pb::VehicleOrder) -> FleetOrder {
    match requested {
        pb::VehicleOrder::Unspecified | pb::VehicleOrder::CreatedDesc => FleetOrder::Newest,
        pb::VehicleOrder::HourlyRateAsc => FleetOrder::Cheapest,
        pb::VehicleOrder::HourlyRateDesc => FleetOrder::MostExpensive,
    }
}
