//! `GetMe`: returns the caller's account.

use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;

use super::convert;
use crate::App;
use crate::domain::UserId;
use crate::error::Error;
use crate::store::users;

pub async fn handle(app: &App, context: CallContext, _request: pb::GetMeRequest) -> Result<pb::User, Error> {
    let id = UserId(context.user()?.id);
    let user = users::find(app.db.conn(), id).await?.ok_or(Error::UserNotFound)?;
    Ok(convert::user(&user))
}
