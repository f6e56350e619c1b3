//! `CompleteImageUpload`: a photo is checked and shown. The first one activates the car.
//!
//! The file is looked at before the transaction and copied to where it is shown from: the host can still write to where it
//! was uploaded. One that is not what was announced is removed.

use bytes::Bytes;
use carshare_chassis::proto_types;
use carshare_chassis::rpc::CallContext;
use carshare_objects::Head;
use carshare_proto::vehicle::v1 as pb;
use carshare_store::{Claim, Tx};

use super::{authorization, convert};
use crate::App;
use crate::domain::{Announced, ImageId, PREFIX_BYTES, Pixels, UserId, Vehicle, VehicleId, check};
use crate::error::{Error, Result};
use crate::events::publish;
use crate::image_urls::ImageUrls;
use crate::store::vehicle_images::{self, VehicleImage};
use crate::store::{vehicles, views};

/// What the transaction needs to know.
struct Completion {
    vehicle: VehicleId,
    owner: UserId,
    image: ImageId,
    /// `None` if it was checked before.
    pixels: Option<Pixels>,
    urls: ImageUrls,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::CompleteImageUploadRequest,
) -> Result<pb::Vehicle> {
    let owner = UserId(ctx.user()?.id);
    let vehicle = convert::vehicle_id(&request.vehicle_id)?;
    let image = ImageId(proto_types::uuid("image_id", &request.image_id)?);
    if let Claim::Replayed(vehicle) = app.db.claim(&ctx).await? {
        return Ok(vehicle);
    }
    authorization::find(app.db.conn(), vehicle, owner).await?;
    let found = vehicle_images::find(app.db.conn(), vehicle, image, app.environment.clock.now()).await?;
    let found = found.ok_or(Error::ImageNotFound)?;
    let pixels = if found.is_complete {
        None
    } else {
        Some(accepted(app, &found).await?)
    };
    let completion = Completion {
        vehicle,
        owner,
        image,
        pixels,
        urls: app.urls.clone(),
    };
    app.db
        .idempotent(&ctx, "vehicle_images.complete", completion, complete)
        .await
}

/// The dimensions of a good photo, which is then where it will be shown from. A bad one is removed: first the file, then
/// its row, so that what a crash in between leaves over is found again.
async fn accepted(app: &App, image: &VehicleImage) -> Result<Pixels> {
    let head = match app.objects.head(&image.upload_key()).await {
        Err(carshare_objects::Error::NotFound) => return Err(Error::ImageNotUploaded),
        head => head?,
    };
    match check(&image.announced, &stored(&head), &prefix(app, image).await?) {
        Ok(pixels) => {
            app.objects
                .copy(&image.upload_key(), &image.object_key, &head)
                .await?;
            Ok(pixels)
        }
        Err(fault) => {
            app.objects.delete(&image.upload_key()).await?;
            vehicle_images::delete_announced(app.db.conn(), image.id).await?;
            Err(Error::ImageInvalid(fault))
        }
    }
}

async fn prefix(app: &App, image: &VehicleImage) -> Result<Bytes> {
    Ok(app.objects.read_prefix(&image.upload_key(), PREFIX_BYTES).await?)
}

fn stored(head: &Head) -> Announced {
    Announced {
        content_type: head.content_type.clone().unwrap_or_default(),
        size_bytes: i64::try_from(head.content_length_bytes).unwrap_or(i64::MAX),
    }
}

async fn complete(tx: &Tx, done: &Completion) -> Result<pb::Vehicle> {
    let vehicle = authorization::lock(tx.conn(), done.vehicle, done.owner).await?;
    // It may have been completed, or given up, since it was looked at.
    let image = vehicle_images::find(tx.conn(), vehicle.id, done.image, tx.now()).await?;
    let image = image.ok_or(Error::ImageNotFound)?;
    let vehicle = match done.pixels {
        Some(pixels) if !image.is_complete => show(tx, vehicle, done.image, pixels).await?,
        _ => vehicle,
    };
    Ok(convert::vehicle(
        views::view(tx.conn(), vehicle).await?,
        &done.urls,
    ))
}

async fn show(tx: &Tx, mut vehicle: Vehicle, image: ImageId, pixels: Pixels) -> Result<Vehicle> {
    let is_first = vehicle_images::count_complete(tx.conn(), vehicle.id).await? == 0;
    vehicle_images::complete(tx.conn(), image, pixels, tx.now()).await?;
    let activated = vehicle.image_completed(is_first, tx.now());
    vehicles::update(tx.conn(), &vehicle).await?;
    if activated {
        tx.publish(&publish::activated(&vehicle)).await?;
    }
    Ok(vehicle)
}
