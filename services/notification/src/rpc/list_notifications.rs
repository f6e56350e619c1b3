//! `ListNotifications`: the caller's feed, newest first.

use carshare_chassis::pagination;
use carshare_chassis::rpc::CallContext;
use carshare_proto::notification::v1 as pb;

use super::convert;
use crate::App;
use crate::error::Error;
use crate::store::notifications;

const DEFAULT_PAGE: i32 = 50;

/// Pages by the place in the feed: rows written meanwhile shift nothing.
pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::ListNotificationsRequest,
) -> Result<pb::ListNotificationsResponse, Error> {
    let user = ctx.user()?;
    let before = pagination::decode_page_token(&request.page_token)?.map(i64::from_be_bytes);
    let size = if request.page_size == 0 {
        DEFAULT_PAGE
    } else {
        request.page_size
    };
    let size = usize::try_from(size).unwrap_or(1);
    let mut rows = notifications::list(
        app.db.conn(),
        user.id,
        request.unread_only,
        before,
        size as u64 + 1,
    )
    .await?;
    let more = rows.len() > size;
    rows.truncate(size);
    let next_page_token = match rows.last() {
        Some(last) if more => pagination::page_token(&last.seq.to_be_bytes()),
        _ => String::new(),
    };
    let notifications = rows.into_iter().map(convert::notification).collect();
    Ok(pb::ListNotificationsResponse {
        notifications,
        next_page_token,
    })
}
