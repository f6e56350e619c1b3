//! Handles the events of reviews: their ratings count for the user whom they are about, and are part of the public profile.

use anyhow::Context as _;
use carshare_chassis::proto_types::uuid;
use carshare_proto::booking::v1 as pb;
use carshare_store::{EventMetadata, Tx};

use crate::domain::UserId;
use crate::error::Error;
use crate::rpc::convert;
use crate::store::user_reviews::{self, UserReview};
use crate::store::users;

pub async fn posted(tx: &Tx, _: &EventMetadata, event: &pb::ReviewPosted) -> Result<(), Error> {
    apply(tx, event.review.as_ref(), true).await
}

pub async fn hidden(tx: &Tx, _: &EventMetadata, event: &pb::ReviewHidden) -> Result<(), Error> {
    apply(tx, event.review.as_ref(), false).await
}

pub async fn restored(tx: &Tx, _: &EventMetadata, event: &pb::ReviewRestored) -> Result<(), Error> {
    apply(tx, event.review.as_ref(), true).await
}

/// Counts a review or not, and publishes the profile if its rating changed. Deleted accounts have no rating.
async fn apply(tx: &Tx, facts: Option<&pb::ReviewFacts>, is_shown: bool) -> Result<(), Error> {
    let facts = facts.context("the event has no facts")?;
    let review = UserReview {
        id: uuid("review_id", &facts.review_id)?,
        user: UserId::parse("reviewee_id", &facts.reviewee_id)?,
        rating: facts.rating,
    };
    let Some(mut user) = users::lock(tx.conn(), review.user).await? else {
        return Ok(());
    };
    let before = convert::profile(&user);
    let step = user_reviews::upsert(tx.conn(), review, is_shown).await?;
    if step == 0 {
        return Ok(());
    }
    user.rating_sum += step * i64::from(review.rating);
    user.review_count += step;
    users::update_rating(tx.conn(), &user).await?;
    if convert::profile(&user) != before {
        tx.publish(&super::updated(&user));
    }
    Ok(())
}
