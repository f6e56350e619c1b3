//! `CompleteProfileImageUpload`: checks an uploaded profile image, copies it to the key from which it is shown, and stores its
//! URL. A file that is not an image is deleted.

use carshare_chassis::proto_types::uuid;
use carshare_chassis::rpc::CallContext;
use carshare_objects::image::{Announced, PREFIX_BYTES, check};
use carshare_proto::auth::v1 as pb;

use super::update_me::{self, Change, ImageChange};
use crate::App;
use crate::domain::UserId;
use crate::error::Error;
use crate::profile_image;

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
    check_and_copy(app, user, &profile_image::upload_key(user, image)).await?;
    let public_url = app.objects.public_url(&profile_image::key(user));
    let change = Change {
        image: ImageChange::Show(profile_image::versioned_url(&public_url, image)),
        ..Change::of(user)
    };
    app.db
        .idempotent(&context, "users.set_profile_image", change, update_me::update)
        .await
}

async fn check_and_copy(app: &App, user: UserId, upload_key: &str) -> Result<(), Error> {
    let head = match app.objects.head(upload_key).await {
        Err(carshare_objects::Error::NotFound) => return Err(Error::ImageNotUploaded),
        head => head?,
    };
    // The signature of the upload has fixed both.
    let announced = Announced {
        content_type: head.content_type.clone().unwrap_or_default(),
        size_bytes: i64::try_from(head.content_length_bytes).unwrap_or(i64::MAX),
    };
    let prefix = app.objects.read_prefix(upload_key, PREFIX_BYTES).await?;
    if let Err(fault) = check(&announced, &announced, &prefix) {
        app.objects.delete(upload_key).await?;
        return Err(Error::ImageInvalid(fault));
    }
    app.objects
        .copy(upload_key, &profile_image::key(user), &head)
        .await?;
    Ok(())
}
