//! `ListNotifications`: lists the caller's notifications, newest first. Pages are bounded by positions in the feed, so that
//! notifications written meanwhile do not shift them.

use carshare_chassis::pagination;
use carshare_chassis::rpc::CallContext;
use carshare_proto::notification::v1 as pb;

use super::convert;
use crate::App;
use crate::domain::ids::UserId;
use crate::error::Error;
use crate::store::notifications;

/// Page size when the request names none.
const DEFAULT_PAGE_SIZE: usize = 50;

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::ListNotificationsRequest,
) -> Result<pb::ListNotificationsResponse, Error> {
    let user = UserId(ctx.user()?.id);
    let before = pagination::decode_page_token(&request.page_token)?.map(i64::from_be_bytes);
    let size = usize::try_from(request.page_size)
        .ok()
        .filter(|size| *size > 0)
        .unwrap_or(DEFAULT_PAGE_SIZE);
    // One more than requested, to know whether another page follows.
    let limit = size as u64 + 1;
    let mut rows = notifications::list(app.db.conn(), user, request.unread_only, before, limit).await?;
    let more = rows.len() > size;
    rows.truncate(size);
    let last = rows.last().filter(|_| more);
    Ok(pb::ListNotificationsResponse {
        next_page_token: last
            .map(|row| pagination::page_token(&row.seq.to_be_bytes()))
            .unwrap_or_default(),
        notifications: rows.into_iter().map(convert::notification).collect(),
    })
}
