//! `ListSecurityEvents`: lists what happened to the caller's account, newest first.

use carshare_chassis::pagination::{PageRequest, SortKey};
use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;

use super::convert;
use crate::App;
use crate::domain::UserId;
use crate::error::Error;
use crate::store::audit_events;

pub async fn handle(
    app: &App,
    context: CallContext,
    mut request: pb::ListSecurityEventsRequest,
) -> Result<pb::ListSecurityEventsResponse, Error> {
    let user = UserId(context.user()?.id);
    let page = PageRequest::take(&mut request, app.db.page_token_key().await?).of_user(user.0);
    let after = page.after()?.map(SortKey::decode);
    let rows = audit_events::list_of_user(app.db.conn(), user, after, page.limit()).await?;
    let page = page.cut(rows, |row| {
        let number = row.occurred_at.timestamp_micros();
        SortKey { number, id: row.id }.encode()
    });
    let events: Result<_, Error> = page.items.into_iter().map(convert::security_event).collect();
    Ok(pb::ListSecurityEventsResponse {
        security_events: events?,
        next_page_token: page.next_page_token,
    })
}
