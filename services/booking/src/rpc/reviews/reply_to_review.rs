//! `ReplyToReview`: the reviewee answers a visible review, once.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{lock, response};
use crate::App;
use crate::domain::{ReviewId, ReviewRefusal, UserId};
use crate::error::Error;
use crate::rpc::authorization;
use crate::store::{reviews, user_closings};

struct Input {
    review: ReviewId,
    user: UserId,
    reply: String,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::ReplyToReviewRequest,
) -> Result<pb::Review, Error> {
    let input = Input {
        review: ReviewId::parse("review_id", &request.review_id)?,
        user: authorization::caller(&ctx)?,
        reply: request.reply,
    };
    app.db.idempotent(&ctx, "reviews.reply", input, reply).await
}

async fn reply(tx: &Tx, input: &Input) -> Result<pb::Review, Error> {
    let mut review = lock(tx, input.review).await?;
    if review.reply(input.user, input.reply.clone(), tx.now())? {
        if user_closings::is_any_closed(tx.conn(), [review.reviewer_id, review.reviewee_id]).await? {
            return Err(ReviewRefusal::PartyClosed.into());
        }
        reviews::update(tx.conn(), &review).await?;
    }
    response::review(tx.conn(), &review).await
}
