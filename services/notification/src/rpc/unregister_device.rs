//! `UnregisterDevice`: deletes a device of the caller and drops its pending pushes. One that is being sent may still arrive.

use carshare_chassis::proto_types::uuid;
use carshare_chassis::rpc::CallContext;
use carshare_proto::notification::v1 as pb;
use carshare_store::Tx;

use crate::App;
use crate::domain::ids::{DeviceId, UserId};
use crate::error::Error;
use crate::store::devices;

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::UnregisterDeviceRequest,
) -> Result<pb::UnregisterDeviceResponse, Error> {
    let user = UserId(ctx.user()?.id);
    let id = DeviceId(uuid("device_id", &request.device_id)?);
    app.db
        .idempotent(&ctx, "devices.unregister", (user, id), unregister)
        .await
}

async fn unregister(
    tx: &Tx,
    &(user, id): &(UserId, DeviceId),
) -> Result<pb::UnregisterDeviceResponse, Error> {
    if devices::delete_of_user(tx, id, user).await? {
        Ok(pb::UnregisterDeviceResponse {})
    } else {
        Err(Error::DeviceNotFound)
    }
}
