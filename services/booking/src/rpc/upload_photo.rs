//! `UploadPhoto`: a photo with its file in one call.
//!
//! The row of the photo is stored before its files are, so that a job finds what a crash between the two has left.

use carshare_chassis::rpc::CallContext;
use carshare_objects::image::Announced;
use carshare_proto::booking::v1 as pb;

use super::{authorization, convert_handover};
use crate::domain::{BookingId, PhotoId};
use crate::error::Error;
use crate::handover::Target;
use crate::handover_files::{self, Announcement, NewPhoto};
use crate::{App, handover};

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::UploadPhotoRequest,
) -> Result<pb::HandoverPhoto, Error> {
    let target = Target {
        booking: BookingId::parse("booking_id", &request.booking_id)?,
        user: authorization::caller(&ctx)?,
        phase: convert_handover::to_phase(request.phase())?,
        rules: handover::rules(&app.config.handover),
    };
    let angle = convert_handover::to_angle(request.angle())?;
    if let Some(photo) = app.db.find_reply(&ctx).await? {
        return Ok(photo);
    }
    let config = &app.config.handover;
    let announced = Announced {
        content_type: request.content_type,
        size_bytes: i64::try_from(request.file.len()).map_err(Error::internal)?,
    };
    let announcement = Announcement {
        target: target.clone(),
        id: PhotoId(app.environment.ids.next()),
        photo: NewPhoto {
            angle,
            announced,
            expires_at: app.environment.clock.now() + config.complete_ttl,
            has_upload: false,
        },
        max: config.max_photos,
    };
    let announce = handover_files::announce;
    let photo = app
        .db
        .transaction("handover_photos.announce_file", announcement, announce)
        .await?;
    let content_type = &photo.announced.content_type;
    let converted = app
        .photos
        .publish_file(content_type, request.file, &photo.folder())
        .await;
    let published = handover_files::accept(app, &photo, converted).await?;
    handover_files::complete(app, &ctx, target, photo, published).await
}
