//! `AddHandoverNote`: either side notes damage.

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

struct Damage {
    target: Target,
    note: Note,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::AddHandoverNoteRequest,
) -> Result<pb::HandoverEntry, Error> {
    let damage = Damage {
        target: Target {
            booking: BookingId::parse("booking_id", &request.booking_id)?,
            user: authorization::caller(&ctx)?,
            phase: convert_handover::to_phase(request.phase())?,
            rules: handover::rules(&app.config.handover),
        },
        note: Note {
            salt: app.environment.random.bytes(),
            text: request.damage_notes,
        },
    };
    app.db.idempotent(&ctx, "handovers.note", damage, store).await
}

async fn store(tx: &Tx, damage: &Damage) -> Result<pb::HandoverEntry, Error> {
    let open = handover::open(tx, &damage.target).await?;
    let note = handover::digest(&damage.note);
    let content = Content::Note { note };
    let sealed = handover::append(tx, &damage.target, &open, content, Some(&damage.note)).await?;
    Ok(convert_handover::entry(&sealed, Some(&damage.note)))
}
