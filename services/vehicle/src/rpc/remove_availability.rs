//! `RemoveAvailability`: a host removes a rule from the opening hours.

use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;
use carshare_store::Tx;

use super::authorization;
use crate::App;
use crate::domain::{AvailabilityId, UserId, VehicleId};
use crate::error::{Error, Result};
use crate::store::availabilities;

struct Removal {
    vehicle: VehicleId,
    owner: UserId,
    rule: AvailabilityId,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::RemoveAvailabilityRequest,
) -> Result<pb::RemoveAvailabilityResponse> {
    let removal = Removal {
        vehicle: VehicleId::parse("vehicle_id", &request.vehicle_id)?,
        owner: UserId(ctx.user()?.id),
        rule: AvailabilityId::parse("availability_id", &request.availability_id)?,
    };
    app.db
        .idempotent(&ctx, "availabilities.remove", removal, remove)
        .await
}

async fn remove(tx: &Tx, removal: &Removal) -> Result<pb::RemoveAvailabilityResponse> {
    let vehicle = authorization::lock(tx.conn(), removal.vehicle, removal.owner).await?;
    if availabilities::delete(tx.conn(), vehicle.id, removal.rule).await? {
        Ok(pb::RemoveAvailabilityResponse {})
    } else {
        Err(Error::AvailabilityNotFound)
    }
}
