//! Reviews in replies, with the profiles of those who wrote them.

use std::collections::HashMap;

use carshare_proto::auth::v1::UserProfile;
use carshare_proto::booking::v1 as pb;
use carshare_proto::options::v1::Role;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::convert;
use crate::domain::{Party, Review};
use crate::error::Error;
use crate::store::review_moderations;

pub async fn review(conn: &impl ConnectionTrait, of: &Review) -> Result<pb::Review, Error> {
    let mut profiles = profiles(conn, std::slice::from_ref(of)).await?;
    Ok(convert::review(of, profiles.remove(&of.reviewer_id.0)))
}

pub async fn reviews(conn: &impl ConnectionTrait, of: &[Review]) -> Result<Vec<pb::Review>, Error> {
    let profiles = profiles(conn, of).await?;
    let reviews = of.iter();
    Ok(reviews
        .map(|review| convert::review(review, profiles.get(&review.reviewer_id.0).cloned()))
        .collect())
}

/// Returns reviews with their reports and the decisions about them.
pub async fn moderated(
    conn: &impl ConnectionTrait,
    of: &[Review],
) -> Result<Vec<pb::ModeratedReview>, Error> {
    if of.is_empty() {
        return Ok(Vec::new());
    }
    let mut decisions: HashMap<_, Vec<_>> = HashMap::new();
    for moderation in review_moderations::list(conn, of.iter().map(|review| review.id)).await? {
        let of_review = decisions.entry(moderation.review_id).or_default();
        of_review.push(convert::moderation(moderation));
    }
    let shown = reviews(conn, of).await?;
    let moderated = of.iter().zip(shown).map(|(review, shown)| pb::ModeratedReview {
        review: Some(shown),
        report: review.report.as_ref().map(convert::report),
        moderations: decisions.remove(&review.id).unwrap_or_default(),
    });
    Ok(moderated.collect())
}

/// Reads the profiles of the authors: one statement for guests and one for hosts, each only if there are any.
async fn profiles(
    conn: &impl ConnectionTrait,
    reviews: &[Review],
) -> Result<HashMap<Uuid, UserProfile>, Error> {
    let mut profiles = HashMap::new();
    for (party, role) in [(Party::Guest, Role::Guest), (Party::Host, Role::Host)] {
        let authors = reviews.iter().filter(|review| review.author == party);
        let mut authors: Vec<Uuid> = authors.map(|review| review.reviewer_id.0).collect();
        authors.sort_unstable();
        authors.dedup();
        if !authors.is_empty() {
            profiles.extend(carshare_profiles::list(conn, role, authors).await?);
        }
    }
    Ok(profiles)
}
