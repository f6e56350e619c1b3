//! `RegisterDevice`: registers a token for the caller and their session, whose end deletes it. It belongs to the account and
//! session that registered it last; pending pushes of its previous owner are dropped. Of more devices than a user may have, the one
//! that was registered longest ago is deleted.

use carshare_chassis::Error as ChassisError;
use carshare_chassis::rpc::CallContext;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::notification::v1 as pb;
use carshare_store::Tx;

use super::convert;
use crate::App;
use crate::domain::device::Platform;
use crate::domain::ids::{DeviceId, SessionId, UserId};
use crate::error::Error;
use crate::store::{deliveries, devices, ended_sessions, feeds};

struct Input {
    user: UserId,
    session: SessionId,
    token: String,
    platform: Platform,
    max_devices: u32,
}

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::RegisterDeviceRequest,
) -> Result<pb::Device, Error> {
    let platform = convert::platform(request.platform()).ok_or_else(|| {
        ChassisError::invalid(
            "platform",
            "기기 종류를 선택해 주세요.",
            "must be ios, android or web",
        )
    })?;
    let user = ctx.user()?;
    let input = Input {
        user: UserId(user.id),
        session: SessionId(user.session_id),
        token: request.token,
        platform,
        max_devices: app.config.devices.max_per_user.get(),
    };
    app.db.idempotent(&ctx, "devices.register", input, register).await
}

async fn register(tx: &Tx, input: &Input) -> Result<pb::Device, Error> {
    ended_sessions::lock(tx, input.session).await?;
    devices::lock(tx, input.user).await?;
    if ended_sessions::exists(tx, input.session).await? || feeds::is_closed(tx, input.user).await? {
        return Err(ChassisError::new(Common::TokenRevoked).into());
    }
    let owner = (input.user, input.session);
    let row = devices::upsert(tx, owner, &input.token, input.platform).await?;
    deliveries::drop_foreign(tx, DeviceId(row.id), input.user).await?;
    devices::delete_surplus(tx, input.user, DeviceId(row.id), input.max_devices).await?;
    convert::device(&row)
}
