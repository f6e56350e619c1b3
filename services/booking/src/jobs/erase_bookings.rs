//! Erases the bookings of deleted accounts, a batch in each transaction: an account may have more of them than one transaction changes in time.
//!
//! Every replica may run it, also at the same time: an erasure that another one has locked is skipped.

use std::time::Duration;

use carshare_chassis::Shutdown;
use carshare_store::{Schedule, Tx};

use crate::domain::{BookingId, Party};
use crate::error::Error;
use crate::store::bookings::{self, BookingFilter, BookingOrder, Owner};
use crate::store::{booking_changes, booking_claims, handover_entries, reviews, user_erasures};
use crate::{App, erasure};

/// Name of the job, for [`carshare_store::Tx::notify_job`].
pub const NAME: &str = "erase_bookings";

/// How often erasures are looked for that another process has not finished before it ended.
const INTERVAL: Duration = Duration::from_mins(10);

/// Bookings in one transaction.
const BATCH: u64 = 100;

pub async fn run(app: &App, shutdown: Shutdown) {
    Schedule::run_every(&app.db, NAME, INTERVAL, || erase_all(app), shutdown).await;
}

async fn erase_all(app: &App) -> Result<(), Error> {
    while app.db.transaction("bookings.erase", (), erase_batch).await? {}
    Ok(())
}

/// Erases the next bookings of an erasure. `false` when there is none.
async fn erase_batch(tx: &Tx, (): &()) -> Result<bool, Error> {
    let Some((erasure, after)) = user_erasures::lock_next(tx.conn()).await? else {
        return Ok(false);
    };
    let owner = match erasure.party {
        Party::Guest => Owner::Guest(erasure.user),
        Party::Host => Owner::Host(erasure.user),
    };
    let batch = bookings::lock_list(tx.conn(), &BookingFilter::all_of(owner), after, BATCH).await?;
    let ids: Vec<BookingId> = batch.iter().map(|booking| booking.id).collect();
    handover_entries::delete_notes(tx.conn(), &ids, erasure.party).await?;
    booking_changes::erase_texts(tx.conn(), &ids, erasure.party).await?;
    booking_claims::erase_texts(tx.conn(), &ids, erasure.party).await?;
    let is_last = (batch.len() as u64) < BATCH;
    // No review of a locked booking is written meanwhile, and none later: the account is closed.
    reviews::erase_texts(tx.conn(), batch.iter().map(|booking| booking.id)).await?;
    let mut erased = after;
    for mut booking in batch {
        erasure::erase(&mut booking, erasure)?;
        bookings::update_erased(tx.conn(), &booking).await?;
        erased = Some(BookingOrder::Newest.key(&booking));
    }
    match erased {
        Some(key) if !is_last => user_erasures::update(tx.conn(), erasure, key).await?,
        _ => user_erasures::delete(tx.conn(), erasure).await?,
    }
    Ok(true)
}
