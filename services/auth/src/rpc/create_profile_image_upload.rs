//! `CreateProfileImageUpload`: returns a presigned upload URL, which fixes size and type. Only the reply is stored, for repeats
//! with the same idempotency key.

use carshare_chassis::proto_types::timestamp;
use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;

use crate::App;
use crate::domain::UserId;
use crate::error::Error;
use crate::profile_image;

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::CreateProfileImageUploadRequest,
) -> Result<pb::ProfileImageUpload, Error> {
    let user = UserId(context.user()?.id);
    if let Some(upload) = app.db.find_reply(&context).await? {
        return Ok(upload);
    }
    let upload = sign(app, user, &request).await?;
    app.db
        .idempotent(&context, "profile_images.create_upload", upload, reply)
        .await
}

async fn sign(
    app: &App,
    user: UserId,
    request: &pb::CreateProfileImageUploadRequest,
) -> Result<pb::ProfileImageUpload, Error> {
    let environment = app.db.environment();
    let image = environment.ids.next();
    let ttl = app.config.profile_images.upload_ttl;
    let size_bytes = u64::try_from(request.size_bytes).map_err(anyhow::Error::from)?;
    let key = profile_image::upload_key(user, image);
    let signed = app
        .objects
        .presign_put(&key, &request.content_type, size_bytes, ttl)
        .await?;
    Ok(pb::ProfileImageUpload {
        image_id: image.to_string(),
        method: "PUT".to_owned(),
        url: signed.url,
        headers: signed.headers.into_iter().collect(),
        expires_at: Some(timestamp(environment.clock.now() + ttl)),
    })
}

async fn reply(_tx: &Tx, upload: &pb::ProfileImageUpload) -> Result<pb::ProfileImageUpload, Error> {
    Ok(upload.clone())
}
