//! `ReportHandover`: either side reports odometer and fuel or charge level, once every required view has a photo.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{authorization, convert_handover};
use crate::domain::BookingId;
use crate::domain::handover::Content;
use crate::error::Error;
use crate::handover::Target;
use crate::store::handover_entries::Note;
use crate::{App, handover};

struct Report {
    target: Target,
    odometer_km: i64,
    energy_percent: i32,
    note: Option<Note>,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::ReportHandoverRequest,
) -> Result<pb::HandoverEntry, Error> {
    let report = Report {
        target: Target {
            booking: BookingId::parse("booking_id", &request.booking_id)?,
            user: authorization::caller(&ctx)?,
            phase: convert_handover::to_phase(request.phase())?,
            rules: handover::rules(&app.config.handover),
        },
        odometer_km: request.odometer_km,
        energy_percent: request.energy_percent,
        note: handover::note(app, request.damage_notes),
    };
    app.db.idempotent(&ctx, "handovers.report", report, store).await
}

async fn store(tx: &Tx, report: &Report) -> Result<pb::HandoverEntry, Error> {
    let open = handover::open(tx, &report.target).await?;
    let content = Content::Report {
        odometer_km: report.odometer_km,
        energy_percent: report.energy_percent,
        note: report.note.as_ref().map(handover::digest),
    };
    let note = report.note.as_ref();
    let sealed = handover::append(tx, &report.target, &open, content, note).await?;
    Ok(convert_handover::entry(&sealed, note))
}
