//! `GetHandover`: the evidence of a booking, verified, for its guest, its host and admins.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;

use super::{authorization, convert_handover};
use crate::domain::BookingId;
use crate::domain::handover::Phase;
use crate::error::Error;
use crate::store::{handover_entries, handover_photos};
use crate::{App, handover, handover_files};

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::GetHandoverRequest,
) -> Result<pb::Handover, Error> {
    let id = BookingId::parse("booking_id", &request.booking_id)?;
    let booking = authorization::find_visible(app, id, ctx.user()?).await?;
    let conn = app.db.conn();
    let chain = handover_entries::chain(conn, id).await?;
    let times = handover_entries::rental_times(conn, id).await?;
    let notes = handover_entries::list_notes(conn, id).await?;
    let with_files = handover_photos::list_with_files(conn, id).await?;
    let (rules, now) = (handover::rules(&app.config.handover), app.environment.clock.now());
    let record = |phase| {
        Some(convert_handover::record(
            &chain, phase, &booking, times, &rules, now,
        ))
    };
    Ok(pb::Handover {
        booking_id: id.to_string(),
        pickup_record: record(Phase::Pickup),
        return_record: record(Phase::Return),
        pickup_photos: handover_files::list(app, &chain, &with_files, Phase::Pickup).await?,
        return_photos: handover_files::list(app, &chain, &with_files, Phase::Return).await?,
        entries: convert_handover::entries(&chain, &notes),
        is_intact: chain.is_intact(),
    })
}
