//! Conversions between reviews and rows. A row that does not convert is a defect.

use anyhow::{Context as _, Result};

use super::Model;
use crate::domain::review::{Ratings, Report};
use crate::domain::{BookingId, Review, ReviewId, UserId, VehicleId};
use crate::error::Error;

pub(super) fn review(row: Model) -> Result<Review, Error> {
    let id = row.id;
    read(row)
        .with_context(|| format!("row of review {id}"))
        .map_err(Error::internal)
}

fn read(row: Model) -> Result<Review> {
    let report = report(&row)?;
    Ok(Review {
        id: ReviewId(row.id),
        booking_id: BookingId(row.booking_id),
        vehicle_id: VehicleId(row.vehicle_id),
        author: row.author.parse().context(row.author)?,
        reviewer_id: UserId(row.reviewer_id),
        reviewee_id: UserId(row.reviewee_id),
        ratings: Ratings {
            overall: row.rating,
            cleanliness: row.cleanliness,
            punctuality: row.punctuality,
            manners: row.manners,
        },
        is_recommended: row.is_recommended,
        comment: row.comment,
        created_at: row.created_at,
        visible_at: row.visible_at,
        posted_at: row.posted_at,
        reply: row.reply,
        replied_at: row.replied_at,
        report,
        moderated_at: row.moderated_at,
        hidden_at: row.hidden_at,
    })
}

fn report(row: &Model) -> Result<Option<Report>> {
    let Some(reported_at) = row.reported_at else {
        return Ok(None);
    };
    let reason = row.report_reason.as_deref().context("report_reason")?;
    Ok(Some(Report {
        reason: reason.parse().with_context(|| reason.to_owned())?,
        details: row.report_details.clone(),
        reported_at,
    }))
}

pub(super) fn model(review: &Review) -> Model {
    let report = review.report.as_ref();
    Model {
        id: review.id.0,
        booking_id: review.booking_id.0,
        author: review.author.as_str().to_owned(),
        vehicle_id: review.vehicle_id.0,
        reviewer_id: review.reviewer_id.0,
        reviewee_id: review.reviewee_id.0,
        rating: review.ratings.overall,
        cleanliness: review.ratings.cleanliness,
        punctuality: review.ratings.punctuality,
        manners: review.ratings.manners,
        is_recommended: review.is_recommended,
        comment: review.comment.clone(),
        created_at: review.created_at,
        visible_at: review.visible_at,
        posted_at: review.posted_at,
        reply: review.reply.clone(),
        replied_at: review.replied_at,
        report_reason: report.map(|report| report.reason.as_str().to_owned()),
        report_details: report.and_then(|report| report.details.clone()),
        reported_at: report.map(|report| report.reported_at),
        moderated_at: review.moderated_at,
        hidden_at: review.hidden_at,
    }
}
