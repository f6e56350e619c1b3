//! `DeleteProfileImage`: removes the profile image of the account and then its files. The job that deletes abandoned images deletes those
//! that a crash in between has left.

use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;

use super::update_me::{self, Change, ImageChange};
use crate::App;
use crate::domain::UserId;
use crate::error::Error;
use crate::jobs::sweep_profile_images;

pub async fn handle(
    app: &App,
    context: CallContext,
    _request: pb::DeleteProfileImageRequest,
) -> Result<pb::DeleteProfileImageResponse, Error> {
    let user = UserId(context.user()?.id);
    let change = Change {
        image: ImageChange::Remove,
        ..Change::of(user)
    };
    // Without the idempotency key: its effect is the same at every repeat.
    app.db
        .transaction("users.delete_profile_image", change, update_me::update)
        .await?;
    sweep_profile_images::delete_abandoned_now(app, user).await;
    Ok(pb::DeleteProfileImageResponse {})
}
