//! `MarkRead`: the first reading counts, further ones change nothing.

use carshare_chassis::rpc::CallContext;
use carshare_proto::notification::v1 as pb;
use carshare_store::Tx;
use uuid::Uuid;

use super::convert;
use crate::App;
use crate::error::Error;
use crate::store::notifications;

/// Refuses what is not the caller's like what does not exist.
pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::MarkReadRequest,
) -> Result<pb::Notification, Error> {
    let user_id = ctx.user()?.id;
    let id: Uuid = request
        .notification_id
        .parse()
        .map_err(|_| Error::NotificationNotFound)?;
    app.db
        .idempotent(&ctx, "notifications.mark_read", (user_id, id), mark_read)
        .await
}

async fn mark_read(tx: &Tx, &(user_id, id): &(Uuid, Uuid)) -> Result<pb::Notification, Error> {
    let row = notifications::update_read(tx.conn(), user_id, id, tx.now()).await?;
    row.map(convert::notification).ok_or(Error::NotificationNotFound)
}
