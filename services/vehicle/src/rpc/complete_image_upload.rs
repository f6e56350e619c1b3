//! `CompleteImageUpload`: checks an uploaded photo and shows it. The first one activates the car.
//!
//! Before the transaction the file is checked and copied to the key from which it is shown: the host can still write to the
//! upload key. A file that differs from the announcement is deleted.

use bytes::Bytes;
use carshare_chassis::rpc::CallContext;
use carshare_objects::Head;
use carshare_proto::vehicle::v1 as pb;
use carshare_store::Tx;

use super::{authorization, convert};
use crate::App;
use carshare_objects::image::{Announced, PREFIX_BYTES, Pixels, check};

use crate::domain::{ImageId, UserId, Vehicle, VehicleId};
use crate::error::{Error, Result};
use crate::events::publish;
use crate::image_urls::ImageUrls;
use crate::store::vehicle_images::{self, VehicleImage};
use crate::store::{vehicles, views};

struct Completion {
    vehicle: VehicleId,
    owner: UserId,
    image: ImageId,
    /// `None` if the photo was complete before.
    pixels: Option<Pixels>,
    urls: ImageUrls,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::CompleteImageUploadRequest,
) -> Result<pb::Vehicle> {
    let owner = UserId(ctx.user()?.id);
    let vehicle = VehicleId::parse("vehicle_id", &request.vehicle_id)?;
    let image = ImageId::parse("image_id", &request.image_id)?;
    if let Some(vehicle) = app.db.find_reply(&ctx).await? {
        return Ok(vehicle);
    }
    authorization::find(app.db.conn(), vehicle, owner).await?;
    let found = vehicle_images::find(app.db.conn(), vehicle, image, app.environment.clock.now()).await?;
    let found = found.ok_or(Error::ImageNotFound)?;
    let pixels = if found.is_complete {
        None
    } else {
        Some(check_and_copy(app, &found).await?)
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

/// Checks the uploaded file, copies it to the key from which it is shown, and returns its dimensions. An invalid file is
/// deleted before its row, so that a crash in between leaves nothing unnoticed.
async fn check_and_copy(app: &App, image: &VehicleImage) -> Result<Pixels> {
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
    // It may have been completed or abandoned since it was read.
    let image = vehicle_images::find(tx.conn(), vehicle.id, done.image, tx.now()).await?;
    let image = image.ok_or(Error::ImageNotFound)?;
    if let Some(pixels) = done.pixels.filter(|_| !image.is_complete) {
        show(tx, vehicle, done.image, pixels).await?;
    }
    Ok(convert::vehicle(
        views::existing(tx.conn(), done.vehicle).await?,
        &done.urls,
    ))
}

async fn show(tx: &Tx, mut vehicle: Vehicle, image: ImageId, pixels: Pixels) -> Result<()> {
    let is_first = vehicle_images::count_complete(tx.conn(), vehicle.id).await? == 0;
    vehicle_images::complete(tx.conn(), image, pixels, tx.now()).await?;
    let activated = vehicle.image_completed(is_first, tx.now());
    vehicles::update(tx.conn(), &vehicle).await?;
    if activated {
        tx.publish(&publish::activated(&vehicle));
    }
    Ok(())
}
