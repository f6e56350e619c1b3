//! `ListNotifications`: lists the caller's notifications, newest first. Pages are bounded by positions in the feed, so that
//! notifications written meanwhile do not shift them.

use carshare_chassis::pagination::PageRequest;
use carshare_chassis::proto_types::to_datetime;
use carshare_chassis::rpc::CallContext;
use carshare_proto::notification::v1 as pb;

use super::convert;
use crate::App;
use crate::domain::ids::UserId;
use crate::error::Error;
use crate::store::notifications::{self, FeedFilter};

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    mut request: pb::ListNotificationsRequest,
) -> Result<pb::ListNotificationsResponse, Error> {
    let conn = app.db.conn();
    let page = PageRequest::take(&mut request, app.db.page_token_key().await?).of_user(ctx.user()?.id);
    let before = page.after()?.map(i64::from_be_bytes);
    let filter = FeedFilter {
        user: UserId(ctx.user()?.id),
        unread_only: request.unread_only,
        kind: Some(request.r#type).filter(|name| !name.is_empty()),
        created_from: to_datetime(request.created_from),
        created_before: to_datetime(request.created_before),
    };
    let rows = notifications::list(conn, &filter, before, page.limit()).await?;
    let total_size = page.total(notifications::count(conn, &filter)).await?;
    let page = page.cut(rows, |row| row.seq.to_be_bytes());
    Ok(pb::ListNotificationsResponse {
        notifications: page.items.into_iter().map(convert::notification).collect(),
        next_page_token: page.next_page_token,
        total_size,
    })
}
