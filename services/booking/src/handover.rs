//! Adds entries to the evidence of a booking: under its lock, after the checks of the domain.

use carshare_store::Tx;

use crate::App;
use crate::config::Handover as HandoverConfig;
use crate::domain::handover::chain::Author;
use crate::domain::handover::{Chain, Content, Digest, HandoverRules, Phase, Sealed};
use crate::domain::{Booking, BookingId, Party, UserId};
use crate::error::Error;
use crate::rpc::authorization;
use crate::store::handover_entries::{self, Note};

/// The booking whose evidence is added to, and who adds to it.
#[derive(Clone, Debug)]
pub struct Target {
    pub booking: BookingId,
    pub user: UserId,
    pub phase: Phase,
    pub rules: HandoverRules,
}

/// A pickup or return that is open, whose booking is locked.
pub struct Open {
    pub booking: Booking,
    pub party: Party,
    pub chain: Chain,
}

/// Returns the rules of the configuration.
pub fn rules(config: &HandoverConfig) -> HandoverRules {
    HandoverRules {
        required_angles: config.required_angles.clone(),
        pickup_grace: config.pickup_grace,
        return_grace: config.return_grace,
        max_notes: config.max_notes,
    }
}

/// Returns a text of a user with a new salt.
pub fn note(app: &App, text: Option<String>) -> Option<Note> {
    let salt = app.environment.random.bytes();
    text.map(|text| Note { salt, text })
}

/// Returns the hash by which an entry refers to a text.
pub fn digest(note: &Note) -> Digest {
    Digest::of_note(&note.salt, &note.text)
}

/// Locks the booking for one of its sides and checks that its evidence can be added to.
pub async fn open(tx: &Tx, target: &Target) -> Result<Open, Error> {
    let (booking, party) = authorization::lock(tx, target.booking, target.user).await?;
    let times = handover_entries::rental_times(tx.conn(), booking.id).await?;
    let chain = handover_entries::chain(tx.conn(), booking.id).await?;
    target
        .rules
        .check_open(target.phase, &booking, times, &chain, tx.now())?;
    if !chain.is_intact() {
        let id = booking.id;
        return Err(Error::internal(anyhow::anyhow!(
            "the evidence of booking {id} is not intact"
        )));
    }
    Ok(Open {
        booking,
        party,
        chain,
    })
}

/// Appends an entry to the evidence, with the text that its hash is of.
pub async fn append(
    tx: &Tx,
    target: &Target,
    open: &Open,
    content: Content,
    note: Option<&Note>,
) -> Result<Sealed, Error> {
    let author = Author {
        phase: target.phase,
        party: open.party,
        user: target.user,
    };
    target
        .rules
        .check_content(author.phase, &content, author.user, &open.chain)?;
    let sealed = open.chain.next(author, content, tx.now());
    handover_entries::insert(tx.conn(), &sealed).await?;
    if let Some(note) = note {
        handover_entries::insert_note(tx.conn(), &sealed, note).await?;
    }
    Ok(sealed)
}
