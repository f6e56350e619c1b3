//! `ConfirmHandover`: a side confirms the report of the other one, which it names by its hash. Nothing is added any more then.

use carshare_chassis as chassis;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{authorization, convert_handover};
use crate::domain::BookingId;
use crate::domain::handover::{Content, Digest};
use crate::error::Error;
use crate::handover::Target;
use crate::store::handover_entries::Note;
use crate::{App, handover};

struct Confirmation {
    target: Target,
    report: Digest,
    note: Option<Note>,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::ConfirmHandoverRequest,
) -> Result<pb::HandoverEntry, Error> {
    let report = request.report_sha256.parse();
    let invalid = |_| {
        chassis::Error::invalid(
            "report_sha256",
            "올바른 해시가 아닙니다.",
            "is not a SHA-256 hash",
        )
    };
    let confirmation = Confirmation {
        target: Target {
            booking: BookingId::parse("booking_id", &request.booking_id)?,
            user: authorization::caller(&ctx)?,
            phase: convert_handover::to_phase(request.phase())?,
            rules: handover::rules(&app.config.handover),
        },
        report: report.map_err(invalid)?,
        note: handover::note(app, request.damage_notes),
    };
    app.db
        .idempotent(&ctx, "handovers.confirm", confirmation, store)
        .await
}

async fn store(tx: &Tx, confirmation: &Confirmation) -> Result<pb::HandoverEntry, Error> {
    let open = handover::open(tx, &confirmation.target).await?;
    let note = confirmation.note.as_ref();
    let content = Content::Confirmation {
        report: confirmation.report,
        note: note.map(handover::digest),
    };
    let sealed = handover::append(tx, &confirmation.target, &open, content, note).await?;
    Ok(convert_handover::entry(&sealed, note))
}
