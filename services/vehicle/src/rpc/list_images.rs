//! `ListImages`: the photos of a car, the cover first.

use carshare_chassis::rpc::CallContext;
use carshare_proto::vehicle::v1 as pb;

use super::{convert, get_vehicle};
use crate::App;
use crate::domain::VehicleId;
use crate::error::Result;
use crate::store::vehicle_images;

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::ListImagesRequest,
) -> Result<pb::ListImagesResponse> {
    let id = VehicleId::parse("vehicle_id", &request.vehicle_id)?;
    get_vehicle::visible(app, &ctx, id).await?;
    let images = vehicle_images::list_complete(app.db.conn(), id).await?;
    Ok(pb::ListImagesResponse {
        images: convert::images(images, &app.urls),
    })
}
