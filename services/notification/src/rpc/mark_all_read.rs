//! `MarkAllRead`: marks the caller's unread notifications as read. Repeats change nothing.

use carshare_chassis::rpc::CallContext;
use carshare_proto::notification::v1 as pb;
use carshare_store::Tx;

use crate::App;
use crate::domain::ids::UserId;
use crate::error::Error;
use crate::store::notifications;

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    _request: pb::MarkAllReadRequest,
) -> Result<pb::MarkAllReadResponse, Error> {
    let user = UserId(ctx.user()?.id);
    app.db
        .idempotent(&ctx, "notifications.mark_all_read", user, mark_all_read)
        .await
}

async fn mark_all_read(tx: &Tx, &user: &UserId) -> Result<pb::MarkAllReadResponse, Error> {
    let marked = notifications::update_all_read(tx, user).await?;
    Ok(pb::MarkAllReadResponse {
        marked_count: i64::try_from(marked).unwrap_or(i64::MAX),
    })
}
