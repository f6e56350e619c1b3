//! Handles the events of reviews: the ratings by guests count for the car.

use anyhow::Context as _;
use carshare_chassis::proto_types::uuid;
use carshare_proto::booking::v1 as pb;
use carshare_store::{EventMetadata, Tx};

use crate::domain::VehicleId;
use crate::error::Result;
use crate::store::reviews::{self, VehicleReview};

pub async fn posted(tx: &Tx, _: &EventMetadata, event: &pb::ReviewPosted) -> Result<()> {
    apply(tx, event.review.as_ref(), true).await
}

pub async fn hidden(tx: &Tx, _: &EventMetadata, event: &pb::ReviewHidden) -> Result<()> {
    apply(tx, event.review.as_ref(), false).await
}

pub async fn restored(tx: &Tx, _: &EventMetadata, event: &pb::ReviewRestored) -> Result<()> {
    apply(tx, event.review.as_ref(), true).await
}

async fn apply(tx: &Tx, facts: Option<&pb::ReviewFacts>, is_shown: bool) -> Result<()> {
    let facts = facts.context("the event has no facts")?;
    if facts.author() != pb::ReviewAuthor::Guest {
        return Ok(());
    }
    let booking = facts.booking.as_ref().context("the event has no booking")?;
    let review = VehicleReview {
        id: uuid("review_id", &facts.review_id)?,
        vehicle: VehicleId::parse("vehicle_id", &booking.vehicle_id)?,
        rating: facts.rating,
    };
    reviews::upsert(tx.conn(), review, is_shown).await
}
