//! `GetNotification`: one notification of the caller.

use carshare_chassis::proto_types::uuid;
use carshare_chassis::rpc::CallContext;
use carshare_proto::notification::v1 as pb;

use super::convert;
use crate::App;
use crate::domain::ids::{NotificationId, UserId};
use crate::error::Error;
use crate::store::notifications;

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::GetNotificationRequest,
) -> Result<pb::Notification, Error> {
    let user = UserId(ctx.user()?.id);
    let id = NotificationId(uuid("notification_id", &request.notification_id)?);
    let row = notifications::find(app.db.conn(), user, id).await?;
    row.map(convert::notification).ok_or(Error::NotificationNotFound)
}
