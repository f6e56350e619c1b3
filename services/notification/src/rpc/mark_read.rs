//! `MarkRead`: marks a notification as read. The first call determines the time; repeats change nothing.

use carshare_chassis::proto_types::uuid;
use carshare_chassis::rpc::CallContext;
use carshare_proto::notification::v1 as pb;
use carshare_store::Tx;

use super::convert;
use crate::App;
use crate::domain::ids::{NotificationId, UserId};
use crate::error::Error;
use crate::store::notifications;

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::MarkReadRequest,
) -> Result<pb::Notification, Error> {
    let user = UserId(ctx.user()?.id);
    let id = NotificationId(uuid("notification_id", &request.notification_id)?);
    app.db
        .idempotent(&ctx, "notifications.mark_read", (user, id), mark_read)
        .await
}

async fn mark_read(tx: &Tx, &(user, id): &(UserId, NotificationId)) -> Result<pb::Notification, Error> {
    let row = notifications::update_read(tx, user, id).await?;
    row.map(convert::notification).ok_or(Error::NotificationNotFound)
}
