//! `CreateReview`: a side of a completed booking reviews the other one, once and within a period.
//!
//! The first review stays blind until the second one is written or the time for it has passed. The booking is locked, so of two concurrent
//! reviews the second one sees the first, and both become visible together.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{convert, response};
use crate::App;
use crate::domain::review::{Content, Periods, Reviewed};
use crate::domain::{BookingId, Review, ReviewId, UserId};
use crate::error::Error;
use crate::jobs::post_reviews;
use crate::rpc::authorization;
use crate::store::{reviews, status_history, user_closings};

struct Input {
    booking: BookingId,
    user: UserId,
    content: Content,
    periods: Periods,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::CreateReviewRequest,
) -> Result<pb::Review, Error> {
    let input = Input {
        booking: BookingId::parse("booking_id", &request.booking_id)?,
        user: authorization::caller(&ctx)?,
        content: Content {
            ratings: convert::ratings(request.rating, request.category_ratings.as_ref()),
            is_recommended: request.is_recommended.unwrap_or(true),
            comment: convert::unless_blank(request.comment),
        },
        periods: Periods {
            write_within: app.config.reviews.write_within,
            blind_for: app.config.reviews.blind_for,
        },
    };
    app.db.idempotent(&ctx, "reviews.create", input, create).await
}

async fn create(tx: &Tx, input: &Input) -> Result<pb::Review, Error> {
    let (booking, author) = authorization::lock(tx, input.booking, input.user).await?;
    // The lock precedes these reads: they see the first review, and a closing that the erasure of the booking has followed.
    let reviewed = Reviewed {
        completed_at: status_history::completed_at(tx.conn(), booking.id).await?,
        is_party_closed: user_closings::is_any_closed(tx.conn(), [booking.guest_id, booking.host_id]).await?,
    };
    let mut others = reviews::lock_of_booking(tx.conn(), booking.id).await?;
    let review = Review::write(
        ReviewId(tx.new_id()),
        (&booking, author),
        reviewed,
        &mut others,
        input.periods,
        input.content.clone(),
        tx.now(),
    )?;
    for other in &others {
        reviews::update(tx.conn(), other).await?;
    }
    reviews::insert(tx.conn(), &review).await?;
    if review.is_visible(tx.now()) {
        tx.notify_job(post_reviews::NAME);
    }
    response::review(tx.conn(), &review).await
}
