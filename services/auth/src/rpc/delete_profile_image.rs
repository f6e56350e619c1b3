//! `DeleteProfileImage`: removes the URL of the profile image and then its file. A repeat deletes a file that a crash in between
//! has left. An upload that the user completes at the same time may lose its file; the user uploads it again.

use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;

use super::update_me::{self, Change, ImageChange};
use crate::App;
use crate::domain::UserId;
use crate::error::Error;
use crate::profile_image;

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
    // Without the idempotency key: its effect is the same at every repeat, which may have to delete the file.
    app.db
        .transaction("users.delete_profile_image", change, update_me::update)
        .await?;
    app.objects.delete(&profile_image::key(user)).await?;
    Ok(pb::DeleteProfileImageResponse {})
}
