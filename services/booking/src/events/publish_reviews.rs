//! Publishes events of reviews.

use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::publish;
use crate::domain::{Booking, Review};
use crate::error::Error;
use crate::rpc::reviews;

pub fn posted(tx: &Tx, review: &Review, booking: &Booking) -> Result<(), Error> {
    let (review_id, review) = facts(review, booking)?;
    tx.publish(&pb::ReviewPosted { review_id, review });
    Ok(())
}

pub fn hidden(tx: &Tx, review: &Review, booking: &Booking) -> Result<(), Error> {
    let (review_id, review) = facts(review, booking)?;
    tx.publish(&pb::ReviewHidden { review_id, review });
    Ok(())
}

pub fn restored(tx: &Tx, review: &Review, booking: &Booking) -> Result<(), Error> {
    let (review_id, review) = facts(review, booking)?;
    tx.publish(&pb::ReviewRestored { review_id, review });
    Ok(())
}

fn facts(review: &Review, booking: &Booking) -> Result<(String, Option<pb::ReviewFacts>), Error> {
    let facts = pb::ReviewFacts {
        review_id: review.id.to_string(),
        booking: Some(publish::facts(booking)?),
        author: reviews::author(review.author).into(),
        reviewer_id: review.reviewer_id.to_string(),
        reviewee_id: review.reviewee_id.to_string(),
        rating: review.ratings.overall,
    };
    Ok((review.id.to_string(), Some(facts)))
}
