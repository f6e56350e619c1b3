//! `CreatePhotoUpload`: a side of the booking announces a photo and gets a signed upload URL, which fixes its size and type.

use carshare_chassis::proto_types::timestamp;
use carshare_chassis::rpc::CallContext;
use carshare_objects::image::Announced;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{authorization, convert_handover};
use crate::domain::{BookingId, PhotoId};
use crate::error::Error;
use crate::handover::Target;
use crate::handover_files::{self, Announcement, NewPhoto};
use crate::{App, handover};

struct Upload {
    announcement: Announcement,
    signed: pb::PhotoUpload,
}

/// Signs before the transaction, which stores the reply.
pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::CreatePhotoUploadRequest,
) -> Result<pb::PhotoUpload, Error> {
    let target = Target {
        booking: BookingId::parse("booking_id", &request.booking_id)?,
        user: authorization::caller(&ctx)?,
        phase: convert_handover::to_phase(request.phase())?,
        rules: handover::rules(&app.config.handover),
    };
    let angle = convert_handover::to_angle(request.angle())?;
    if let Some(upload) = app.db.find_reply(&ctx).await? {
        return Ok(upload);
    }
    let config = &app.config.handover;
    let id = PhotoId(app.environment.ids.next());
    let announced = Announced {
        content_type: request.content_type,
        size_bytes: request.size_bytes,
    };
    let upload = Upload {
        signed: sign(app, id, &announced).await?,
        announcement: Announcement {
            target,
            id,
            photo: NewPhoto {
                angle,
                announced,
                expires_at: app.environment.clock.now() + config.complete_ttl,
                has_upload: true,
            },
            max: config.max_photos,
        },
    };
    app.db
        .idempotent(&ctx, "handover_photos.announce", upload, announce)
        .await
}

async fn announce(tx: &Tx, upload: &Upload) -> Result<pb::PhotoUpload, Error> {
    handover_files::announce(tx, &upload.announcement).await?;
    Ok(upload.signed.clone())
}

async fn sign(app: &App, id: PhotoId, announced: &Announced) -> Result<pb::PhotoUpload, Error> {
    let ttl = app.config.handover.upload_ttl;
    let size_bytes = u64::try_from(announced.size_bytes).map_err(Error::internal)?;
    let key = format!("uploads/{id}");
    let signed = app
        .objects
        .presign_put(&key, &announced.content_type, size_bytes, ttl)
        .await?;
    Ok(pb::PhotoUpload {
        photo_id: id.to_string(),
        method: "PUT".to_owned(),
        url: signed.url,
        headers: signed.headers.into_iter().collect(),
        expires_at: Some(timestamp(app.environment.clock.now() + ttl)),
    })
}
