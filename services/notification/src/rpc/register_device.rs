//! `RegisterDevice`: registers a token for the caller. It belongs to the account that registered it last; pending pushes of
//! its previous owner are dropped.

use carshare_chassis::Error as ChassisError;
use carshare_chassis::rpc::CallContext;
use carshare_proto::notification::v1 as pb;
use carshare_store::Tx;

use super::convert;
use crate::App;
use crate::domain::device::Platform;
use crate::domain::ids::{DeviceId, UserId};
use crate::error::Error;
use crate::store::{deliveries, devices};

struct Input {
    user: UserId,
    token: String,
    platform: Platform,
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
    let input = Input {
        user: UserId(ctx.user()?.id),
        token: request.token,
        platform,
    };
    app.db.idempotent(&ctx, "devices.register", input, register).await
}

async fn register(tx: &Tx, input: &Input) -> Result<pb::Device, Error> {
    let row = devices::upsert(tx, input.user, &input.token, input.platform).await?;
    deliveries::drop_foreign(tx, DeviceId(row.id), input.user).await?;
    convert::device(&row)
}
