//! `DeleteImage`: a host deletes a photo, unless it is the only one of an active car.
//!
//! The transaction makes it an abandoned upload, which is not shown. Its files are deleted after the commit, and again with the row by the
//! job that deletes abandoned uploads.

use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;
use carshare_store::Tx;

use super::authorization;
use crate::App;
use crate::domain::{ImageId, UserId, VehicleId};
use crate::error::{Error, Result};
use crate::events::publish;
use crate::jobs::sweep_uploads;
use crate::store::{vehicle_images, vehicles};

struct Deletion {
    vehicle: VehicleId,
    owner: UserId,
    image: ImageId,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::DeleteImageRequest,
) -> Result<pb::DeleteImageResponse> {
    let (vehicle, image) = (
        VehicleId::parse("vehicle_id", &request.vehicle_id)?,
        ImageId::parse("image_id", &request.image_id)?,
    );
    let found = vehicle_images::find(app.db.conn(), vehicle, image, app.environment.clock.now()).await?;
    let deletion = Deletion {
        vehicle,
        owner: UserId(ctx.user()?.id),
        image,
    };
    let reply = app
        .db
        .idempotent(&ctx, "vehicle_images.delete", deletion, delete)
        .await?;
    if let Some(found) = found {
        sweep_uploads::delete_files_now(app, &found).await;
    }
    Ok(reply)
}

async fn delete(tx: &Tx, deletion: &Deletion) -> Result<pb::DeleteImageResponse> {
    let mut vehicle = authorization::lock(tx.conn(), deletion.vehicle, deletion.owner).await?;
    let image = vehicle_images::find(tx.conn(), vehicle.id, deletion.image, tx.now()).await?;
    let image = image
        .filter(|image| image.is_complete)
        .ok_or(Error::ImageNotFound)?;
    let count = vehicle_images::count_complete(tx.conn(), vehicle.id).await?;
    vehicle.may_delete_image(count)?;
    vehicle_images::abandon(tx.conn(), image.id, tx.now()).await?;
    vehicle.updated_at = tx.now();
    vehicles::update(tx.conn(), &vehicle).await?;
    tx.publish(&publish::updated(&vehicle));
    Ok(pb::DeleteImageResponse {})
}
