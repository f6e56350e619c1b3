//! A review of a completed booking by one of its sides, and who sees it when.
//!
//! A review is blind: others than its author see it when both sides have written one, or when the time for the second one has passed. The
//! time of that is a field, so that a read compares it with the clock and nothing has to happen at that moment.

#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Booking, BookingId, Party, ReviewId, Status, UserId, VehicleId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    pub id: ReviewId,
    pub booking_id: BookingId,
    pub vehicle_id: VehicleId,
    /// Side that wrote it.
    pub author: Party,
    pub reviewer_id: UserId,
    pub reviewee_id: UserId,
    pub ratings: Ratings,
    pub is_recommended: bool,
    pub comment: Option<String>,
    pub created_at: DateTime<Utc>,
    /// Others than its author see it from then on.
    pub visible_at: DateTime<Utc>,
    /// When `review.posted` was published.
    pub posted_at: Option<DateTime<Utc>>,
    /// Answer of the reviewee. Its text is erased with the account of a side.
    pub reply: Option<String>,
    pub replied_at: Option<DateTime<Utc>>,
    /// Report of the reviewee.
    pub report: Option<Report>,
    /// When an admin decided last.
    pub moderated_at: Option<DateTime<Utc>>,
    /// Set while the last decision is [`Decision::Hide`].
    pub hidden_at: Option<DateTime<Utc>>,
}

/// 1 to 5 each; a category that was not rated is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratings {
    pub overall: i32,
    pub cleanliness: Option<i32>,
    pub punctuality: Option<i32>,
    pub manners: Option<i32>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub reason: ReportReason,
    pub details: Option<String>,
    pub reported_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum ReportReason {
    Offensive,
    False,
    PersonalData,
    Spam,
    Other,
}

/// What an admin decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Decision {
    Keep,
    Hide,
}

impl ReportReason {
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Decision {
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What is known of a booking when one of its sides reviews it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// `None` if it is not completed.
    pub completed_at: Option<DateTime<Utc>>,
    /// Whether the account of a side is deleted.
    pub is_party_closed: bool,
}

/// Time limits of reviews.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
    /// From the completion on.
    pub write_within: Duration,
    /// From the first review on.
    pub blind_for: Duration,
}

/// What a side writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub ratings: Ratings,
    pub is_recommended: bool,
    pub comment: Option<String>,
}

/// Why a review, an answer or a report is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewRefusal {
    NotCompleted,
    PeriodOver {
        days: u64,
    },
    AlreadyReviewed,
    PartyClosed,
    /// Not visible to the caller.
    NotFound,
    NotTheReviewee,
    AlreadyReplied,
}

/// Effect of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moderated {
    /// It was decided so before.
    Nothing,
    /// The decision is recorded; who sees the review stays.
    Recorded,
    Hidden,
    Restored,
}

impl Review {
    /// Writes a review of a booking, of which `others` are the reviews so far. The second one reveals the first one.
    pub fn write(
        id: ReviewId,
        (booking, author): (&Booking, Party),
        reviewed: Reviewed,
        others: &mut [Self],
        periods: Periods,
        content: Content,
        now: DateTime<Utc>,
    ) -> Result<Self, ReviewRefusal> {
        let completed_at = reviewed
            .completed_at
            .filter(|_| booking.status == Status::Completed);
        let completed_at = completed_at.ok_or(ReviewRefusal::NotCompleted)?;
        if others.iter().any(|other| other.author == author) {
            return Err(ReviewRefusal::AlreadyReviewed);
        }
        if completed_at + periods.write_within <= now {
            let days = periods.write_within.as_secs() / (24 * 3600);
            return Err(ReviewRefusal::PeriodOver { days });
        }
        if reviewed.is_party_closed {
            return Err(ReviewRefusal::PartyClosed);
        }
        let visible_at = match others.first_mut() {
            Some(first) => {
                first.reveal(now);
                now
            }
            None => now + periods.blind_for,
        };
        let (reviewer_id, reviewee_id) = match author {
            Party::Guest => (booking.guest_id, booking.host_id),
            Party::Host => (booking.host_id, booking.guest_id),
        };
        Ok(Self {
            id,
            booking_id: booking.id,
            vehicle_id: booking.vehicle_id,
            author,
            reviewer_id,
            reviewee_id,
            ratings: content.ratings,
            is_recommended: content.is_recommended,
            comment: content.comment,
            created_at: now,
            visible_at,
            posted_at: None,
            reply: None,
            replied_at: None,
            report: None,
            moderated_at: None,
            hidden_at: None,
        })
    }

    /// Makes the review visible, unless it is. Clocks of replicas differ, so `now` may be before its creation.
    fn reveal(&mut self, now: DateTime<Utc>) {
        self.visible_at = self.visible_at.min(now.max(self.created_at));
    }

    /// Returns whether everybody sees it.
    pub fn is_visible(&self, now: DateTime<Utc>) -> bool {
        self.visible_at <= now && self.hidden_at.is_none()
    }

    /// Returns whether a side of the booking sees it: its author always does.
    pub fn is_visible_to(&self, viewer: UserId, now: DateTime<Utc>) -> bool {
        viewer == self.reviewer_id || self.is_visible(now)
    }

    /// Answers. Returns whether that changes something: the same answer again does not.
    pub fn reply(&mut self, by: UserId, text: String, now: DateTime<Utc>) -> Result<bool, ReviewRefusal> {
        self.check_reviewee(by, now)?;
        if self.replied_at.is_some() {
            let is_same = self.reply.as_deref() == Some(text.as_str());
            return if is_same {
                Ok(false)
            } else {
                Err(ReviewRefusal::AlreadyReplied)
            };
        }
        self.reply = Some(text);
        self.replied_at = Some(now);
        Ok(true)
    }

    /// Reports. Returns whether that changes something: the first report holds.
    pub fn report(
        &mut self,
        by: UserId,
        reason: ReportReason,
        details: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<bool, ReviewRefusal> {
        self.check_reviewee(by, now)?;
        if self.report.is_some() {
            return Ok(false);
        }
        self.report = Some(Report {
            reason,
            details,
            reported_at: now,
        });
        Ok(true)
    }

    fn check_reviewee(&self, user: UserId, now: DateTime<Utc>) -> Result<(), ReviewRefusal> {
        if !self.is_visible(now) {
            return Err(ReviewRefusal::NotFound);
        }
        if user == self.reviewee_id {
            Ok(())
        } else {
            Err(ReviewRefusal::NotTheReviewee)
        }
    }

    /// Applies a decision of an admin. One that holds is recorded again only if a report has come since.
    pub fn moderate(&mut self, decision: Decision, now: DateTime<Utc>) -> Moderated {
        let is_hidden = self.hidden_at.is_some();
        let moderated = match (decision, is_hidden) {
            (Decision::Hide, false) => Moderated::Hidden,
            (Decision::Keep, true) => Moderated::Restored,
            (Decision::Hide, true) | (Decision::Keep, false) if self.is_decided() => {
                return Moderated::Nothing;
            }
            (Decision::Hide, true) | (Decision::Keep, false) => Moderated::Recorded,
        };
        self.moderated_at = Some(now);
        self.hidden_at = (decision == Decision::Hide).then(|| self.hidden_at.unwrap_or(now));
        moderated
    }

    fn is_decided(&self) -> bool {
        let reported_at = self.report.as_ref().map(|report| report.reported_at);
        self.moderated_at
            .is_some_and(|decided| reported_at.is_none_or(|reported| reported <= decided))
    }
}
