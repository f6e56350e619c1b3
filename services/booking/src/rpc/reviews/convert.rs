//! Conversions between messages and reviews.

use carshare_chassis::proto_types::timestamp;
use carshare_proto::auth::v1::UserProfile;
use carshare_proto::booking::v1 as pb;

use crate::domain::review::{Decision, Ratings, Report, ReportReason};
use crate::domain::{Party, Review};
use crate::store::review_moderations::Moderation;

pub fn review(review: &Review, reviewer: Option<UserProfile>) -> pb::Review {
    pb::Review {
        id: review.id.to_string(),
        booking_id: review.booking_id.to_string(),
        vehicle_id: review.vehicle_id.to_string(),
        reviewer_id: review.reviewer_id.to_string(),
        reviewee_id: review.reviewee_id.to_string(),
        author: author(review.author).into(),
        reviewer,
        rating: review.ratings.overall,
        category_ratings: Some(categories(review.ratings)),
        is_recommended: review.is_recommended,
        comment: review.comment.clone(),
        created_at: Some(timestamp(review.created_at)),
        visible_at: Some(timestamp(review.visible_at)),
        reply: review.reply.clone(),
        replied_at: review.replied_at.map(timestamp),
        hidden_at: review.hidden_at.map(timestamp),
    }
}

pub fn author(party: Party) -> pb::ReviewAuthor {
    match party {
        Party::Guest => pb::ReviewAuthor::Guest,
        Party::Host => pb::ReviewAuthor::Host,
    }
}

pub fn ratings(overall: i32, categories: Option<&pb::CategoryRatings>) -> Ratings {
    let categories = categories.copied().unwrap_or_default();
    Ratings {
        overall,
        cleanliness: categories.cleanliness,
        punctuality: categories.punctuality,
        manners: categories.manners,
    }
}

fn categories(ratings: Ratings) -> pb::CategoryRatings {
    pb::CategoryRatings {
        cleanliness: ratings.cleanliness,
        punctuality: ratings.punctuality,
        manners: ratings.manners,
    }
}

/// Returns the text, or `None` if it is blank.
pub fn unless_blank(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

pub fn report(report: &Report) -> pb::ReviewReport {
    pb::ReviewReport {
        reason: report_reason(report.reason).into(),
        details: report.details.clone(),
        reported_at: Some(timestamp(report.reported_at)),
    }
}

pub fn moderation(moderation: Moderation) -> pb::ReviewModeration {
    pb::ReviewModeration {
        decision: decision(moderation.decision).into(),
        reason: moderation.reason,
        admin_id: moderation.admin_id.to_string(),
        decided_at: Some(timestamp(moderation.decided_at)),
    }
}

fn report_reason(reason: ReportReason) -> pb::ReviewReportReason {
    match reason {
        ReportReason::Offensive => pb::ReviewReportReason::Offensive,
        ReportReason::False => pb::ReviewReportReason::False,
        ReportReason::PersonalData => pb::ReviewReportReason::PersonalData,
        ReportReason::Spam => pb::ReviewReportReason::Spam,
        ReportReason::Other => pb::ReviewReportReason::Other,
    }
}

/// Converts the reason of a request; `None` is refused by a rule of the contract.
pub fn to_report_reason(reason: pb::ReviewReportReason) -> Option<ReportReason> {
    match reason {
        pb::ReviewReportReason::Unspecified => None,
        pb::ReviewReportReason::Offensive => Some(ReportReason::Offensive),
        pb::ReviewReportReason::False => Some(ReportReason::False),
        pb::ReviewReportReason::PersonalData => Some(ReportReason::PersonalData),
        pb::ReviewReportReason::Spam => Some(ReportReason::Spam),
        pb::ReviewReportReason::Other => Some(ReportReason::Other),
    }
}

fn decision(decision: Decision) -> pb::ModerationDecision {
    match decision {
        Decision::Keep => pb::ModerationDecision::Keep,
        Decision::Hide => pb::ModerationDecision::Hide,
    }
}

/// Converts the decision of a request; `None` is refused by a rule of the contract.
pub fn to_decision(decision: pb::ModerationDecision) -> Option<Decision> {
    match decision {
        pb::ModerationDecision::Unspecified => None,
        pb::ModerationDecision::Keep => Some(Decision::Keep),
        pb::ModerationDecision::Hide => Some(Decision::Hide),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::contract_word;
    use strum::VariantArray as _;

    #[test]
    fn domain_and_contract_spell_enums_alike() {
        for each in [Party::Guest, Party::Host] {
            assert_eq!(each.as_str(), contract_word("ReviewAuthor", author(each).into()));
        }
        for each in ReportReason::VARIANTS {
            assert_eq!(
                each.as_str(),
                contract_word("ReviewReportReason", report_reason(*each).into())
            );
            assert_eq!(to_report_reason(report_reason(*each)), Some(*each));
        }
        for each in Decision::VARIANTS {
            assert_eq!(
                each.as_str(),
                contract_word("ModerationDecision", decision(*each).into())
            );
            assert_eq!(to_decision(decision(*each)), Some(*each));
        }
    }
}
