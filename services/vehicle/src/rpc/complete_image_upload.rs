//! `CompleteImageUpload`: checks an uploaded photo and shows it. The first one activates the car.
//!
//! Before the transaction the file is converted and written to the keys from which it is shown, after it the upload is deleted. The host
//! can write to the upload key until its URL expires, so the job that deletes abandoned uploads deletes it again then. A file that differs
//! from the announcement is deleted too.

use carshare_chassis::rpc::CallContext;
use carshare_objects::photo::{PublishError, Published};
use carshare_proto::vehicle::v1 as pb;
use carshare_store::Tx;

use super::{authorization, convert};
use crate::App;
use crate::domain::{ImageId, UserId, Vehicle, VehicleId};
use crate::error::{Error, Result};
use crate::events::publish;
use crate::image_urls::ImageUrls;
use crate::jobs::sweep_uploads;
use crate::store::vehicle_images::{self, VehicleImage};
use crate::store::{vehicles, views};

struct Completion {
    vehicle: VehicleId,
    owner: UserId,
    image: ImageId,
    /// `None` if the photo was complete before.
    published: Option<Published>,
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
    let published = if found.is_complete {
        None
    } else {
        Some(publish(app, &found).await?)
    };
    let completion = Completion {
        vehicle,
        owner,
        image,
        published,
        urls: app.urls.clone(),
    };
    let completed = app
        .db
        .idempotent(&ctx, "vehicle_images.complete", completion, complete)
        .await;
    match &completed {
        Ok(_) => sweep_uploads::delete_upload(app, &found).await,
        // The photo was deleted while it was converted, and its files perhaps before they were written.
        Err(Error::ImageNotFound | Error::VehicleNotFound) => {
            sweep_uploads::delete_files_now(app, &found).await;
        }
        Err(_) => {}
    }
    completed
}

/// Converts the uploaded file and writes it to the keys from which it is shown. A photo with an invalid file is abandoned: its row stays while
/// its URL takes uploads, so that the job deletes them.
async fn publish(app: &App, image: &VehicleImage) -> Result<Published> {
    let (upload, folder) = (image.upload_key(), image.folder());
    match app.photos.publish(&upload, Some(&image.announced), &folder).await {
        Ok(published) => Ok(published),
        Err(PublishError::NotUploaded) => Err(Error::ImageNotUploaded),
        Err(PublishError::Invalid(fault)) => {
            app.objects.delete(&image.upload_key()).await?;
            let now = app.environment.clock.now();
            vehicle_images::abandon_announced(app.db.conn(), image.id, now).await?;
            Err(Error::ImageInvalid(fault))
        }
        Err(PublishError::Other(error)) => Err(error.into()),
    }
}

async fn complete(tx: &Tx, done: &Completion) -> Result<pb::Vehicle> {
    let vehicle = authorization::lock(tx.conn(), done.vehicle, done.owner).await?;
    // It may have been completed or abandoned since it was read.
    let image = vehicle_images::find(tx.conn(), vehicle.id, done.image, tx.now()).await?;
    let image = image.ok_or(Error::ImageNotFound)?;
    if let Some(published) = done.published.filter(|_| !image.is_complete) {
        show(tx, vehicle, &image, published).await?;
    }
    Ok(convert::vehicle(
        views::existing(tx.conn(), done.vehicle).await?,
        &done.urls,
    ))
}

async fn show(tx: &Tx, mut vehicle: Vehicle, image: &VehicleImage, published: Published) -> Result<()> {
    let is_first = vehicle_images::count_complete(tx.conn(), vehicle.id).await? == 0;
    vehicle_images::complete(tx.conn(), image, published, tx.now()).await?;
    let activated = vehicle.image_completed(is_first, tx.now());
    vehicles::update(tx.conn(), &vehicle).await?;
    if activated {
        tx.publish(&publish::activated(&vehicle));
    }
    Ok(())
}
