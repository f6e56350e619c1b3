//! `ModerateReview`: an admin hides a review or keeps it. Each change is recorded with the admin, the reason and the time.
//!
//! A hidden review counts in no rating: consumers have counted it only if `review.posted` was published, so only then they are notified.

use anyhow::Context as _;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{convert, lock, response};
use crate::App;
use crate::domain::review::{Decision, Moderated};
use crate::domain::{Review, ReviewId, UserId};
use crate::error::Error;
use crate::events::publish_reviews;
use crate::jobs::post_reviews;
use crate::rpc::authorization;
use crate::store::review_moderations::{self, Moderation};
use crate::store::{bookings, reviews};

struct Input {
    review: ReviewId,
    admin: UserId,
    decision: Decision,
    reason: String,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::ModerateReviewRequest,
) -> Result<pb::ModeratedReview, Error> {
    let decision = convert::to_decision(request.decision()).context("a request without a decision");
    let input = Input {
        review: ReviewId::parse("review_id", &request.review_id)?,
        admin: authorization::caller(&ctx)?,
        decision: decision.map_err(Error::internal)?,
        reason: request.reason,
    };
    app.db.idempotent(&ctx, "reviews.moderate", input, moderate).await
}

async fn moderate(tx: &Tx, input: &Input) -> Result<pb::ModeratedReview, Error> {
    let mut review = lock(tx, input.review).await?;
    let moderated = review.moderate(input.decision, tx.now());
    if moderated != Moderated::Nothing {
        reviews::update(tx.conn(), &review).await?;
        let moderation = Moderation {
            review_id: review.id,
            decision: input.decision,
            reason: input.reason.clone(),
            admin_id: input.admin,
            decided_at: tx.now(),
        };
        review_moderations::insert(tx, &moderation).await?;
        publish(tx, &review, moderated).await?;
    }
    let shown = response::moderated(tx.conn(), &[review]).await?.pop();
    shown
        .context("the review of the transaction")
        .map_err(Error::internal)
}

async fn publish(tx: &Tx, review: &Review, moderated: Moderated) -> Result<(), Error> {
    if review.posted_at.is_none() {
        // It is posted once it is visible and not hidden.
        tx.notify_job(post_reviews::NAME);
        return Ok(());
    }
    let booking = bookings::find(tx.conn(), review.booking_id).await?;
    let booking = booking
        .context("the booking of a review")
        .map_err(Error::internal)?;
    match moderated {
        Moderated::Hidden => publish_reviews::hidden(tx, review, &booking),
        Moderated::Restored => publish_reviews::restored(tx, review, &booking),
        Moderated::Nothing | Moderated::Recorded => Ok(()),
    }
}
