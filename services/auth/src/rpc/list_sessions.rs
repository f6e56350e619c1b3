//! `ListSessions`: lists the caller's sessions that have neither ended nor expired, newest first.

use carshare_chassis::pagination::PageRequest;
use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use uuid::Uuid;

use super::convert;
use crate::App;
use crate::domain::{SessionId, UserId};
use crate::error::Error;
use crate::store::sessions;

pub async fn handle(
    app: &App,
    context: CallContext,
    mut request: pb::ListSessionsRequest,
) -> Result<pb::ListSessionsResponse, Error> {
    let (user, current) = (UserId(context.user()?.id), context.user()?.session_id);
    let (conn, now) = (app.db.conn(), app.db.environment().clock.now());
    let page = PageRequest::take(&mut request, app.db.page_token_key().await?).of_user(user.0);
    // Ids are of version 7: newer sessions have higher ones.
    let after = page.after()?.map(|id| SessionId(Uuid::from_bytes(id)));
    let rows = sessions::list_page(conn, user, now, after, page.limit()).await?;
    let total_size = page.total(sessions::count_live(conn, user, now)).await?;
    let page = page.cut(rows, |row| *row.id.as_bytes());
    Ok(pb::ListSessionsResponse {
        sessions: page
            .items
            .into_iter()
            .map(|row| convert::session(row, current))
            .collect(),
        next_page_token: page.next_page_token,
        total_size,
    })
}
