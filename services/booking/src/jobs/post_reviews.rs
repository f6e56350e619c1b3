//! Publishes `review.posted` of reviews that have become visible, in the order in which they did, a batch in each transaction.
//!
//! Every replica may run it, also at the same time: it waits for a review that another transaction has locked, which is a matter of
//! milliseconds, because a run that skipped it would leave it to the next interval.

use carshare_chassis::Shutdown;
use carshare_store::{Schedule, Tx};

use crate::App;
use crate::error::Error;
use crate::events::publish_reviews;
use crate::store::{bookings, reviews};

/// Name of the job, for [`carshare_store::Tx::notify_job`].
pub const NAME: &str = "post_reviews";

/// Reviews in one transaction.
const BATCH: u64 = 100;

pub async fn run(app: &App, shutdown: Shutdown) {
    let period = app.config.reviews.post_every;
    Schedule::run_every(&app.db, NAME, period, || post_all(app), shutdown).await;
}

async fn post_all(app: &App) -> Result<(), Error> {
    while app.db.transaction("reviews.post", (), post_batch).await? {}
    Ok(())
}

/// Publishes the next reviews. Returns whether there may be more.
async fn post_batch(tx: &Tx, (): &()) -> Result<bool, Error> {
    let mut due = reviews::lock_due(tx.conn(), tx.now(), BATCH).await?;
    let of_reviews = due.iter().map(|review| review.booking_id);
    let bookings = bookings::list_by_id(tx.conn(), of_reviews).await?;
    for review in &mut due {
        review.posted_at = Some(tx.now());
        let booking = bookings.get(&review.booking_id);
        let booking = booking.ok_or_else(|| Error::internal(anyhow::anyhow!("a review has no booking")))?;
        publish_reviews::posted(tx, review, booking)?;
    }
    reviews::update_posted(tx, due.iter().map(|review| review.id)).await?;
    Ok(due.len() as u64 == BATCH)
}
