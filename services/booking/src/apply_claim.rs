//! Stores a step of a claim: its row, the history entry of its booking, and its event, always together.

use carshare_store::Tx;

use crate::apply_change;
use crate::domain::claim::ClaimRules;
use crate::domain::claim::late_return::is_late;
use crate::domain::{Actor, Booking, Claim, ClaimId};
use crate::error::Error;
use crate::events::publish_claims;
use crate::store::{booking_claims, handover_entries};

/// Stores a new claim of a booking, which the transaction has locked.
pub async fn insert(tx: &Tx, booking: &mut Booking, claim: &Claim, actor: Actor) -> Result<(), Error> {
    booking_claims::insert(tx.conn(), claim).await?;
    record(tx, booking, claim, actor).await
}

/// Stores a step of a claim of a booking, which the transaction has locked.
pub async fn update(tx: &Tx, booking: &mut Booking, claim: &mut Claim, actor: Actor) -> Result<(), Error> {
    booking_claims::update(tx.conn(), claim).await?;
    record(tx, booking, claim, actor).await
}

/// Files the claim for a late return of a rental that the transaction has just completed, if it was late.
pub async fn insert_late_return(
    tx: &Tx,
    booking: &mut Booking,
    rules: &ClaimRules,
    actor: Actor,
) -> Result<(), Error> {
    let completed_at = tx.now();
    if !is_late(booking, rules, completed_at) {
        return Ok(());
    }
    let chain = handover_entries::chain(tx.conn(), booking.id).await?;
    let id = ClaimId(tx.new_id());
    match Claim::of_late_return(id, booking, &chain, rules, completed_at) {
        Some(claim) => insert(tx, booking, &claim, actor).await,
        None => Ok(()),
    }
}

async fn record(tx: &Tx, booking: &mut Booking, claim: &Claim, actor: Actor) -> Result<(), Error> {
    booking.updated_at = tx.now();
    apply_change::update(tx, booking, claim.entry(booking.status), actor).await?;
    publish_claims::event(tx, booking, claim)
}
