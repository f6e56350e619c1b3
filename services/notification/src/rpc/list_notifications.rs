//! `ListNotifications`: lists the caller's notifications, newest first. Pages are bounded by positions in the feed, so that
//! notifications written meanwhile do not shift them.

use carshare_chassis::pagination::PageRequest;
use carshare_chassis::rpc::CallContext;
use carshare_proto::notification::v1 as pb;

use super::convert;
use crate::App;
use crate::domain::ids::UserId;
use crate::error::Error;
use crate::store::notifications;

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    mut request: pb::ListNotificationsRequest,
) -> Result<pb::ListNotificationsResponse, Error> {
    let user = UserId(ctx.user()?.id);
    let page = PageRequest::take(&mut request);
    let before = page.after()?.map(i64::from_be_bytes);
    let rows = notifications::list(app.db.conn(), user, request.unread_only, before, page.limit()).await?;
    let page = page.cut(rows, |row| row.seq.to_be_bytes());
    Ok(pb::ListNotificationsResponse {
        notifications: page.items.into_iter().map(convert::notification).collect(),
        next_page_token: page.next_page_token,
    })
}
