//! `CreateProfileImageUpload`: returns a presigned upload URL, which fixes size and type.

use std::time::Duration;

use carshare_chassis::proto_types::timestamp;
use carshare_chassis::rpc::CallContext;
use carshare_objects::PresignedPut;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::App;
use crate::domain::UserId;
use crate::error::Error;
use crate::profile_image;
use crate::store::profile_images;

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::CreateProfileImageUploadRequest,
) -> Result<pb::ProfileImageUpload, Error> {
    let user = UserId(context.user()?.id);
    if let Some(upload) = app.db.find_reply(&context).await? {
        return Ok(upload);
    }
    let environment = app.db.environment();
    let image = environment.ids.next();
    let expires_at = environment.clock.now() + app.config.profile_images.upload_ttl;
    let upload = sign(app, &request, &profile_image::upload_key(user, image)).await?;
    let announcement = Announcement {
        user,
        image,
        // The call that completes it may come after the upload.
        expires_at: expires_at + COMPLETION_TIME,
        upload: pb::ProfileImageUpload {
            image_id: image.to_string(),
            method: "PUT".to_owned(),
            url: upload.url,
            headers: upload.headers.into_iter().collect(),
            expires_at: Some(timestamp(expires_at)),
        },
    };
    app.db
        .idempotent(&context, "profile_images.create_upload", announcement, announce)
        .await
}

/// How long after the expiry of its URL an upload can be completed.
const COMPLETION_TIME: Duration = Duration::from_mins(15);

struct Announcement {
    user: UserId,
    image: Uuid,
    expires_at: DateTime<Utc>,
    upload: pb::ProfileImageUpload,
}

async fn sign(
    app: &App,
    request: &pb::CreateProfileImageUploadRequest,
    key: &str,
) -> Result<PresignedPut, Error> {
    let ttl = app.config.profile_images.upload_ttl;
    let size_bytes = u64::try_from(request.size_bytes).map_err(anyhow::Error::from)?;
    let signed = app
        .objects
        .presign_put(key, &request.content_type, size_bytes, ttl);
    Ok(signed.await?)
}

async fn announce(tx: &Tx, new: &Announcement) -> Result<pb::ProfileImageUpload, Error> {
    profile_images::insert(tx, new.user, new.image, new.expires_at).await?;
    Ok(new.upload.clone())
}
