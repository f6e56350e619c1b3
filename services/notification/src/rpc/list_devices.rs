//! `ListDevices`: lists the caller's devices, without their tokens.

use carshare_chassis::rpc::CallContext;
use carshare_proto::notification::v1 as pb;

use super::convert;
use crate::App;
use crate::domain::ids::UserId;
use crate::error::Error;
use crate::store::devices;

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    _: pb::ListDevicesRequest,
) -> Result<pb::ListDevicesResponse, Error> {
    let user = UserId(ctx.user()?.id);
    let rows = devices::list_of_user(app.db.conn(), user).await?;
    let devices: Result<_, Error> = rows.iter().map(convert::device).collect();
    Ok(pb::ListDevicesResponse { devices: devices? })
}
