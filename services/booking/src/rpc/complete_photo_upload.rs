//! `CompletePhotoUpload`: checks an uploaded photo and adds it to the evidence.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;

use super::{authorization, convert_handover};
use crate::domain::{BookingId, PhotoId};
use crate::error::Error;
use crate::handover::Target;
use crate::store::{handover_entries, handover_photos};
use crate::{App, handover, handover_files};

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::CompletePhotoUploadRequest,
) -> Result<pb::HandoverPhoto, Error> {
    let id = BookingId::parse("booking_id", &request.booking_id)?;
    let photo = PhotoId::parse("photo_id", &request.photo_id)?;
    let user = authorization::caller(&ctx)?;
    if let Some(photo) = app.db.find_reply(&ctx).await? {
        return Ok(photo);
    }
    let (_, party) = authorization::find(app, id, user).await?;
    let found = handover_photos::find(app.db.conn(), id, photo, app.environment.clock.now()).await?;
    let found = found
        .filter(|found| found.party == party)
        .ok_or(Error::PhotoNotFound)?;
    if found.is_complete {
        let chain = handover_entries::chain(app.db.conn(), id).await?;
        let sealed = handover_files::find(&chain, photo).ok_or(Error::PhotoNotFound)?;
        let urls = handover_files::urls(app, id, photo).await?;
        return convert_handover::photo(sealed, Some(&urls)).ok_or(Error::PhotoNotFound);
    }
    let converted = app
        .photos
        .publish_private(&found.upload_key(), &found.announced, &found.folder())
        .await;
    let published = handover_files::accept(app, &found, converted).await?;
    let target = Target {
        booking: id,
        user,
        phase: found.phase,
        rules: handover::rules(&app.config.handover),
    };
    handover_files::complete(app, &ctx, target, found, published).await
}
