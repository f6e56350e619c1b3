//! `CreateImageUpload`: a host announces a photo and gets a signed upload URL, which fixes its size and type.

use carshare_chassis::proto_types;
use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;
use carshare_store::Tx;

use super::authorization;
use crate::App;
use carshare_objects::image::Announced;

use crate::domain::{ImageId, UserId, VehicleId};
use crate::error::{Error, Result};
use crate::store::vehicle_images::{self, VehicleImage};

struct Announcement {
    owner: UserId,
    image: VehicleImage,
    max: u64,
    upload: pb::ImageUpload,
}

/// Signs before the transaction, which stores the reply.
pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::CreateImageUploadRequest,
) -> Result<pb::ImageUpload> {
    let owner = UserId(ctx.user()?.id);
    let vehicle = VehicleId::parse("vehicle_id", &request.vehicle_id)?;
    if let Some(upload) = app.db.find_reply(&ctx).await? {
        return Ok(upload);
    }
    let id = ImageId(app.environment.ids.next());
    let image = image(app, vehicle, id, request);
    let upload = upload(app, &image).await?;
    let announcement = Announcement {
        owner,
        image,
        max: app.config.images.max_per_vehicle,
        upload,
    };
    app.db
        .idempotent(&ctx, "vehicle_images.announce", announcement, announce)
        .await
}

async fn announce(tx: &Tx, new: &Announcement) -> Result<pb::ImageUpload> {
    authorization::lock(tx.conn(), new.image.vehicle, new.owner).await?;
    if vehicle_images::count(tx.conn(), new.image.vehicle, tx.now()).await? >= new.max {
        return Err(Error::TooManyImages { max: new.max });
    }
    vehicle_images::insert(tx.conn(), &new.image, tx.now()).await?;
    Ok(new.upload.clone())
}

fn image(app: &App, vehicle: VehicleId, id: ImageId, request: pb::CreateImageUploadRequest) -> VehicleImage {
    VehicleImage {
        id,
        vehicle,
        object_key: vehicle_images::folder(vehicle, id),
        expires_at: app.environment.clock.now() + app.config.images.complete_ttl,
        announced: Announced {
            content_type: request.content_type,
            size_bytes: request.size_bytes,
        },
        is_complete: false,
        pixels: None,
    }
}

async fn upload(app: &App, image: &VehicleImage) -> Result<pb::ImageUpload> {
    let ttl = app.config.images.upload_ttl;
    let Announced {
        content_type,
        size_bytes,
    } = &image.announced;
    let size_bytes = u64::try_from(*size_bytes).map_err(anyhow::Error::from)?;
    let signed = app
        .objects
        .presign_put(&image.upload_key(), content_type, size_bytes, ttl)
        .await?;
    Ok(pb::ImageUpload {
        image_id: image.id.to_string(),
        method: "PUT".to_owned(),
        url: signed.url,
        headers: signed.headers.into_iter().collect(),
        expires_at: Some(proto_types::timestamp(app.environment.clock.now() + ttl)),
    })
}
