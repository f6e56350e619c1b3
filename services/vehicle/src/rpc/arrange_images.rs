//! `ArrangeImages`: a host moves photos to the front; the first one is the cover. The present order changes nothing.

use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;
use carshare_store::Tx;

use super::{authorization, convert};
use crate::App;
use crate::domain::{ImageId, UserId, VehicleId, moved_to_front};
use crate::error::{Error, Result};
use crate::events::publish;
use crate::image_urls::ImageUrls;
use crate::store::{vehicle_images, vehicles};

struct Arrangement {
    vehicle: VehicleId,
    owner: UserId,
    front: Vec<ImageId>,
    urls: ImageUrls,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::ArrangeImagesRequest,
) -> Result<pb::ArrangeImagesResponse> {
    let front = request.image_ids.iter();
    let front = front.map(|id| ImageId::parse("image_ids", id));
    let arrangement = Arrangement {
        vehicle: VehicleId::parse("vehicle_id", &request.vehicle_id)?,
        owner: UserId(ctx.user()?.id),
        front: front.collect::<Result<_, _>>()?,
        urls: app.urls.clone(),
    };
    app.db
        .idempotent(&ctx, "vehicle_images.arrange", arrangement, arrange)
        .await
}

async fn arrange(tx: &Tx, arrangement: &Arrangement) -> Result<pb::ArrangeImagesResponse> {
    let mut vehicle = authorization::lock(tx.conn(), arrangement.vehicle, arrangement.owner).await?;
    let images = vehicle_images::list_complete(tx.conn(), vehicle.id).await?;
    let present: Vec<ImageId> = images.iter().map(|image| image.id).collect();
    let arranged = moved_to_front(&present, &arrangement.front).ok_or(Error::ImageNotFound)?;
    if arranged != present {
        vehicle_images::update_positions(tx.conn(), &arranged).await?;
        vehicle.updated_at = tx.now();
        vehicles::update(tx.conn(), &vehicle).await?;
        tx.publish(&publish::updated(&vehicle));
    }
    let images = vehicle_images::list_complete(tx.conn(), vehicle.id).await?;
    Ok(pb::ArrangeImagesResponse {
        images: convert::images(images, &arrangement.urls),
    })
}
