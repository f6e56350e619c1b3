//! `ConfirmHandover`: a side confirms the report of the other one, which it names by its hash. Nothing is added any more then, and a confirmed
//! pickup starts the rental, a confirmed return completes it.
//!
//! As in `StartBooking` the vehicle service confirms before the transaction that the booking has its car. If it cannot, the pickup is recorded
//! all the same, and the rental is started by `StartBooking`.

use carshare_chassis as chassis;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{authorization, convert_handover};
use crate::domain::claim::ClaimRules;
use crate::domain::handover::{Content, Digest, Phase};
use crate::domain::transitions::State;
use crate::domain::{Actor, BookingId};
use crate::error::Error;
use crate::handover::{Open, Target};
use crate::store::handover_entries::Note;
use crate::{App, apply_change, apply_claim, handover, hold};

struct Confirmation {
    target: Target,
    report: Digest,
    note: Option<Note>,
    /// Whether the booking was seen to have its car.
    has_car: bool,
    claim_rules: ClaimRules,
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
    let mut confirmation = Confirmation {
        target: Target {
            booking: BookingId::parse("booking_id", &request.booking_id)?,
            user: authorization::caller(&ctx)?,
            phase: convert_handover::to_phase(request.phase())?,
            rules: handover::rules(&app.config.handover),
        },
        report: report.map_err(invalid)?,
        note: handover::note(app, request.damage_notes),
        has_car: false,
        claim_rules: app.config.claims.rules(),
    };
    if let Some(entry) = app.db.find_reply(&ctx).await? {
        return Ok(entry);
    }
    if confirmation.target.phase == Phase::Pickup {
        confirmation.has_car = has_car(app, &confirmation.target).await?;
    }
    app.db
        .idempotent(&ctx, "handovers.confirm", confirmation, store)
        .await
}

/// Returns whether a booking that could start now has its car.
async fn has_car(app: &App, target: &Target) -> Result<bool, Error> {
    let (booking, _) = authorization::find(app, target.booking, target.user).await?;
    if booking.clone().start(app.environment.clock.now()).is_err() {
        return Ok(false);
    }
    let confirmed = hold::confirm(app, &booking).await;
    if let Err(error) = &confirmed {
        tracing::warn!(booking_id = %booking.id, %error, "the pickup is recorded without starting the rental");
    }
    Ok(confirmed.is_ok())
}

async fn store(tx: &Tx, confirmation: &Confirmation) -> Result<pb::HandoverEntry, Error> {
    let mut open = handover::open(tx, &confirmation.target).await?;
    let note = confirmation.note.as_ref();
    let content = Content::Confirmation {
        report: confirmation.report,
        note: note.map(handover::digest),
    };
    let sealed = handover::append(tx, &confirmation.target, &open, content, note).await?;
    change_hands(tx, confirmation, &mut open).await?;
    Ok(convert_handover::entry(&sealed, note))
}

/// Starts or completes the rental, unless its side has done so already.
async fn change_hands(tx: &Tx, confirmation: &Confirmation, open: &mut Open) -> Result<(), Error> {
    let actor = Actor::Person(open.party, confirmation.target.user);
    let booking = &mut open.booking;
    match (confirmation.target.phase, booking.state()) {
        (Phase::Pickup, State::Confirmed) if confirmation.has_car => {
            let change = booking.start(tx.now())?.by_handover();
            apply_change::update(tx, booking, change, actor).await
        }
        (Phase::Return, State::Active) => {
            let change = booking.complete(tx.now())?.by_handover();
            apply_change::update(tx, booking, change, actor).await?;
            apply_claim::insert_late_return(tx, booking, &confirmation.claim_rules, actor).await
        }
        _ => Ok(()),
    }
}
