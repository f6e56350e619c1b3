//! `RegisterDevice`: a token belongs to the account that registered it last.

use carshare_chassis::rpc::CallContext;
use carshare_proto::notification::v1 as pb;
use carshare_store::Tx;
use uuid::Uuid;

use super::convert;
use crate::App;
use crate::error::Error;
use crate::store::{deliveries, devices};

struct Input {
    user_id: Uuid,
    token: String,
    platform: &'static str,
}

/// Pushes that wait for the token's former owner are dropped with the move.
pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::RegisterDeviceRequest,
) -> Result<pb::Device, Error> {
    let user_id = ctx.user()?.id;
    let platform = convert::platform_word(request.platform());
    let input = Input {
        user_id,
        token: request.token,
        platform,
    };
    app.db.idempotent(&ctx, "devices.register", input, register).await
}

async fn register(tx: &Tx, input: &Input) -> Result<pb::Device, Error> {
    let (id, now) = (tx.new_id(), tx.now());
    let row = devices::upsert(tx.conn(), id, input.user_id, &input.token, input.platform, now).await?;
    deliveries::drop_foreign(tx.conn(), row.id, input.user_id, now).await?;
    Ok(convert::device(&row))
}
