//! `ReplyToReview`, `ReportReview`, `ListReportedReviews`, `ModerateReview`, and the erasure of deleted accounts.

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_service_testkit::from_service;
use uuid::Uuid;

use crate::harness::*;

use ModerationDecision::{Hide, Keep};

#[tokio::test]
async fn reviewee_answers_a_visible_review_once() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.completed(guest, host).await;
    let review = harness.review(guest, &booking, 3).await.unwrap();
    // Blind: not even that it exists.
    for id in [review.id.as_str(), &Uuid::nil().to_string()] {
        for refused in [
            harness.reply(host, id, "감사합니다").await,
            harness.reply(guest, id, "감사합니다").await,
        ] {
            assert_eq!(
                assert_reason(refused, ErrorReason::ReviewNotFound).spec().code,
                "BOOKING040"
            );
        }
        assert_reason(
            harness.report_review(host, id, "전화번호").await,
            ErrorReason::ReviewNotFound,
        );
    }
    harness.review(host, &booking, 5).await.unwrap();
    for other in [guest, harness.host()] {
        let refused = harness.reply(other, &review.id, "감사합니다").await;
        assert_eq!(
            assert_reason(refused, ErrorReason::NotTheReviewee).spec().code,
            "BOOKING044"
        );
        assert_reason(
            harness.report_review(other, &review.id, "전화번호").await,
            ErrorReason::NotTheReviewee,
        );
    }
    let answered = harness.reply(host, &review.id, "감사합니다").await.unwrap();
    assert_eq!(
        (answered.reply.as_deref(), answered.replied_at),
        (Some("감사합니다"), Some(timestamp("2026-12-01T13:00:00Z")))
    );
    assert_eq!(
        harness.reply(host, &review.id, "감사합니다").await.unwrap(),
        answered
    );
    let refused = harness.reply(host, &review.id, "다른 답글").await;
    assert_eq!(
        assert_reason(refused, ErrorReason::AlreadyReplied).spec().code,
        "BOOKING045"
    );
    assert_eq!(harness.vehicle_reviews(&booking.vehicle_id).await, [answered]);
    for (reply, field) in [("", "reply"), (&"가".repeat(1001), "reply")] {
        let refused = harness.reply(host, &review.id, reply).await;
        assert_eq!(
            assert_reason(refused, Common::InvalidArgument).violations()[0].field,
            field
        );
    }
    harness.finish().await;
}

#[tokio::test]
async fn reported_review_is_hidden_and_shown_again_by_admins() {
    let mut harness = Harness::start().await;
    let (guest, host, admin) = (harness.guest(), harness.host(), harness.person("admin"));
    let booking = harness.completed(guest, host).await;
    let (review, _) = harness.reviewed(guest, host, &booking).await;
    harness.review_events(&review.id, &["review.posted"]).await;
    assert_eq!(harness.reported(true).await, []);
    let report = harness.report_review(host, &review.id, "전화번호").await.unwrap();
    assert_eq!(
        harness.report_review(host, &review.id, "또").await.unwrap(),
        report,
        "the first one holds"
    );
    let listed = harness.reported(false).await;
    assert_eq!(
        (
            listed.len(),
            listed[0].report.as_ref(),
            listed[0].moderations.len()
        ),
        (1, Some(&report), 0)
    );
    assert_eq!(listed[0].review.as_ref().unwrap().id, review.id);

    let hidden = harness.moderate(admin, &review.id, Hide).await.unwrap();
    let moderation = ReviewModeration {
        decision: Hide.into(),
        reason: "ticket 4711".into(),
        admin_id: admin.id.to_string(),
        decided_at: Some(timestamp("2026-12-01T13:00:00Z")),
    };
    assert_eq!(hidden.moderations, std::slice::from_ref(&moderation));
    let again = harness
        .moderate(harness.person("admin"), &review.id, Hide)
        .await
        .unwrap();
    assert_eq!(again, hidden, "it is hidden already");
    harness
        .review_events(&review.id, &["review.posted", "review.hidden"])
        .await;
    assert_eq!(harness.reported(false).await, []);
    assert_eq!(harness.reported(true).await, [hidden]);
    assert_eq!(harness.vehicle_reviews(&booking.vehicle_id).await, []);
    assert_eq!(harness.booking_reviews(host, &booking.id).await.unwrap().len(), 1);
    let own = harness.booking_reviews(guest, &booking.id).await.unwrap();
    assert!(
        own.iter()
            .any(|own| own.id == review.id && own.hidden_at.is_some())
    );
    assert_reason(
        harness.reply(host, &review.id, "감사합니다").await,
        ErrorReason::ReviewNotFound,
    );

    let restored = harness.moderate(admin, &review.id, Keep).await.unwrap();
    let decisions: Vec<_> = restored
        .moderations
        .iter()
        .map(ReviewModeration::decision)
        .collect();
    assert_eq!(decisions, [Hide, Keep]);
    harness.moderate(admin, &review.id, Keep).await.unwrap();
    let names = ["review.posted", "review.hidden", "review.restored"];
    harness.review_events(&review.id, &names).await;
    assert_eq!(
        ids(&harness.vehicle_reviews(&booking.vehicle_id).await),
        [review.id.as_str()]
    );
    assert_eq!(harness.row_count("review_moderations").await, 2);
    harness.finish().await;
}

#[tokio::test]
async fn review_hidden_before_it_is_visible_is_posted_only_after_it_is_shown() {
    let mut harness = Harness::start().await;
    let (guest, host, admin) = (harness.guest(), harness.host(), harness.person("admin"));
    let booking = harness.completed(guest, host).await;
    let review = harness.review(guest, &booking, 1).await.unwrap();
    harness.moderate(admin, &review.id, Hide).await.unwrap();
    let other = harness.review(host, &booking, 5).await.unwrap();
    harness.review_events(&other.id, &["review.posted"]).await;
    assert_eq!(harness.event_names(&review.id).await, Vec::<String>::new());
    harness.moderate(admin, &review.id, Keep).await.unwrap();
    harness.review_events(&review.id, &["review.posted"]).await;
    harness.finish().await;
}

#[tokio::test]
async fn moderation_is_for_admins_and_names_what_is_invalid() {
    let mut harness = Harness::start().await;
    let (guest, host, admin) = (harness.guest(), harness.host(), harness.person("admin"));
    let booking = harness.completed(guest, host).await;
    let (review, _) = harness.reviewed(guest, host, &booking).await;
    for person in [guest, host] {
        assert_reason(
            harness.moderate(person, &review.id, Hide).await,
            Common::PermissionDenied,
        );
        let request = harness.request(person, ListReportedReviewsRequest::default());
        let refused = into_message(harness.reviews().list_reported_reviews(request).await);
        assert_reason(refused, Common::PermissionDenied);
    }
    let unknown = harness.moderate(admin, &Uuid::nil().to_string(), Hide).await;
    assert_reason(unknown, ErrorReason::ReviewNotFound);
    let decided = |decision: i32, reason: &str| ModerateReviewRequest {
        review_id: review.id.clone(),
        decision,
        reason: reason.into(),
    };
    for (request, field) in [
        (decided(0, "a"), "decision"),
        (decided(3, "a"), "decision"),
        (decided(1, ""), "reason"),
        (decided(1, &"a".repeat(501)), "reason"),
    ] {
        let refused = into_message(
            harness
                .reviews()
                .moderate_review(harness.request(admin, request))
                .await,
        );
        assert_eq!(
            assert_reason(refused, Common::InvalidArgument).violations()[0].field,
            field
        );
    }
    for (reason, details, field) in [
        (0, "", "reason"),
        (6, "", "reason"),
        (1, &*"가".repeat(1001), "details"),
    ] {
        let request = ReportReviewRequest {
            review_id: review.id.clone(),
            reason,
            details: Some(details.to_owned()),
        };
        let refused = into_message(
            harness
                .reviews()
                .report_review(harness.request(host, request))
                .await,
        );
        assert_eq!(
            assert_reason(refused, Common::InvalidArgument).violations()[0].field,
            field
        );
    }
    harness.finish().await;
}

#[tokio::test]
async fn deletion_of_a_side_erases_all_texts_and_keeps_the_ratings() {
    for delete_guest in [true, false] {
        let mut harness = Harness::start().await;
        let (guest, host) = (harness.guest(), harness.host());
        let booking = harness.completed(guest, host).await;
        let unreviewed = harness.completed_at_another_time(guest, host).await;
        let (review, _) = harness.reviewed(guest, host, &booking).await;
        harness.reply(host, &review.id, "감사합니다").await.unwrap();
        harness.report_review(host, &review.id, "전화번호").await.unwrap();
        let (deleted, other) = if delete_guest {
            (guest, host)
        } else {
            (host, guest)
        };
        let close = CloseUserRequest {
            user_id: deleted.id.to_string(),
            attempt: 1,
        };
        let closed = harness
            .client
            .clone()
            .close_user(from_service("auth", close))
            .await;
        assert!(into_message(closed).unwrap().is_closed);
        harness.delete_account(deleted).await;

        let shown = harness.booking_reviews(other, &booking.id).await.unwrap();
        let ratings: Vec<_> = shown.iter().map(|review| review.rating).collect();
        assert_eq!(ratings, [4, 5]);
        assert!(
            shown
                .iter()
                .all(|review| review.comment.is_none() && review.reply.is_none())
        );
        for review in &shown {
            let is_deleted = review.reviewer.as_ref().unwrap().is_deleted;
            assert_eq!(is_deleted, review.reviewer_id == deleted.id.to_string());
        }
        let reported = harness.reported(false).await;
        assert_eq!(reported[0].report.as_ref().unwrap().details, None);
        let refused = harness.review(other, &unreviewed, 5).await;
        assert_eq!(
            assert_reason(refused, ErrorReason::ReviewPartyClosed).spec().code,
            "BOOKING046"
        );
        if delete_guest {
            let second = shown
                .iter()
                .find(|review| review.author() == ReviewAuthor::Host)
                .unwrap();
            let refused = harness.reply(guest, &second.id, "늦은 답글").await;
            assert_reason(refused, ErrorReason::ReviewPartyClosed);
            let refused = harness.report_review(guest, &second.id, "늦은 신고").await;
            assert_reason(refused, ErrorReason::ReviewPartyClosed);
        }
        harness.finish().await;
    }
}
