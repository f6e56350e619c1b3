//! `GetUnreadCount`: counts the caller's unread notifications.

use carshare_chassis::rpc::CallContext;
use carshare_proto::notification::v1 as pb;

use crate::App;
use crate::domain::ids::UserId;
use crate::error::Error;
use crate::store::notifications;

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    _request: pb::GetUnreadCountRequest,
) -> Result<pb::GetUnreadCountResponse, Error> {
    let user = UserId(ctx.user()?.id);
    let unread = notifications::count_unread(app.db.conn(), user).await?;
    Ok(pb::GetUnreadCountResponse {
        unread_count: i64::try_from(unread).unwrap_or(i64::MAX),
    })
}
