//! `DeleteVehicle`: a host withdraws a car permanently. Refused while the car is taken now or later. Its photos become abandoned uploads,
//! whose files a job deletes.

use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;
use carshare_store::Tx;

use super::authorization;
use crate::App;
use crate::domain::{UserId, VehicleId};
use crate::error::{Error, Result};
use crate::events::publish;
use crate::store::{occupancies, vehicle_images, vehicles};

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::DeleteVehicleRequest,
) -> Result<pb::DeleteVehicleResponse> {
    let input = (
        VehicleId::parse("vehicle_id", &request.vehicle_id)?,
        UserId(ctx.user()?.id),
    );
    app.db
        .idempotent(&ctx, "vehicles.withdraw", input, withdraw)
        .await
}

async fn withdraw(tx: &Tx, &(id, owner): &(VehicleId, UserId)) -> Result<pb::DeleteVehicleResponse> {
    let vehicle = authorization::lock(tx.conn(), id, owner).await?;
    // Before the check, so that a confirmation of an expired hold either is seen by it or finds no hold.
    occupancies::delete_expired_of(tx.conn(), id, tx.now()).await?;
    if occupancies::exists_after(tx.conn(), id, tx.now()).await? {
        return Err(Error::VehicleHasBookings);
    }
    vehicles::withdraw(tx.conn(), id, tx.now()).await?;
    vehicle_images::abandon_all(tx.conn(), id, tx.now()).await?;
    tx.publish(&publish::withdrawn(&vehicle));
    Ok(pb::DeleteVehicleResponse {})
}
