//! `DeleteVehicle`: a host withdraws a car permanently. Refused while the car is taken now or later.

use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;
use carshare_store::Tx;

use super::authorization;
use crate::domain::{UserId, VehicleId};
use crate::error::{Error, Result};
use crate::store::occupancies;
use crate::{App, withdraw};

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::DeleteVehicleRequest,
) -> Result<pb::DeleteVehicleResponse> {
    let input = (
        VehicleId::parse("vehicle_id", &request.vehicle_id)?,
        UserId(ctx.user()?.id),
    );
    app.db.idempotent(&ctx, "vehicles.withdraw", input, delete).await
}

async fn delete(tx: &Tx, &(id, owner): &(VehicleId, UserId)) -> Result<pb::DeleteVehicleResponse> {
    let vehicle = authorization::lock(tx.conn(), id, owner).await?;
    // Before the check, so that a confirmation of an expired hold either is seen by it or finds no hold.
    occupancies::delete_expired_of(tx.conn(), id, tx.now()).await?;
    if occupancies::exists_after(tx.conn(), id, tx.now()).await? {
        return Err(Error::VehicleHasBookings);
    }
    withdraw::withdraw(tx, &vehicle).await?;
    Ok(pb::DeleteVehicleResponse {})
}
