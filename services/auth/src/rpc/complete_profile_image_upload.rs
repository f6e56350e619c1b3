//! `CompleteProfileImageUpload`: converts an uploaded profile image, shows it in place of the previous one and deletes the upload. A file
//! that is not an image is deleted.

use carshare_chassis::proto_types::uuid;
use carshare_chassis::rpc::CallContext;
use carshare_objects::photo::{self, PublishError};
use carshare_proto::auth::v1 as pb;
use uuid::Uuid;

use super::update_me::{self, Change, ImageChange};
use crate::App;
use crate::domain::UserId;
use crate::error::Error;
use crate::jobs::sweep_profile_images;
use crate::profile_image::{folder, upload_key};
use crate::store::profile_images;

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::CompleteProfileImageUploadRequest,
) -> Result<pb::User, Error> {
    let user = UserId(context.user()?.id);
    let image = uuid("image_id", &request.image_id)?;
    if let Some(user) = app.db.find_reply(&context).await? {
        return Ok(user);
    }
    let now = app.db.environment().clock.now();
    let is_shown = profile_images::find(app.db.conn(), user, image, now).await?;
    if !is_shown.ok_or(Error::ImageNotUploaded)? {
        publish(app, user, image).await?;
    }
    let url = app.objects.public_url(&photo::key(&folder(image)));
    let change = Change {
        image: ImageChange::Show { image, url },
        ..Change::of(user)
    };
    let completed = app
        .db
        .idempotent(&context, "users.set_profile_image", change, update_me::update)
        .await;
    if completed.is_ok()
        && let Err(error) = app.objects.delete(&upload_key(user, image)).await
    {
        tracing::warn!(image_id = %image, error = %error, "cannot delete an upload yet");
    }
    sweep_profile_images::delete_abandoned_now(app, user).await;
    completed
}

async fn publish(app: &App, user: UserId, image: Uuid) -> Result<(), Error> {
    let upload_key = upload_key(user, image);
    match app.photos.publish(&upload_key, None, &folder(image)).await {
        Ok(_) => Ok(()),
        Err(PublishError::NotUploaded) => Err(Error::ImageNotUploaded),
        Err(PublishError::Invalid(fault)) => {
            app.objects.delete(&upload_key).await?;
            Err(Error::ImageInvalid(fault))
        }
        Err(PublishError::Other(error)) => Err(error.into()),
    }
}
