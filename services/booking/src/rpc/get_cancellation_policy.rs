//! `GetCancellationPolicy`: the policy of new bookings of the caller's cars.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;

use super::{authorization, convert};
use crate::App;
use crate::error::Error;
use crate::store::cancellation_policies;

pub async fn handle(
    app: &App,
    ctx: CallContext,
    _: pb::GetCancellationPolicyRequest,
) -> Result<pb::CancellationPolicy, Error> {
    let host = authorization::caller(&ctx)?;
    let policy = cancellation_policies::find_current(app.db.conn(), host).await?;
    Ok(convert::policy(&policy, None))
}
