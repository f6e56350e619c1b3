//! `CreateReview`: who may review what, once, and in the blind until both sides wrote or the time has passed.

use std::time::Duration;

use carshare_proto::auth::v1::UserProfile;
use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::options::v1::Role;
use futures::future::join_all;

use crate::harness::*;

#[tokio::test]
async fn create_review_returns_the_review_and_reveals_both_with_the_second() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.completed(guest, host).await;
    let written = harness.review(guest, &booking, 4).await.unwrap();
    let expected = Review {
        id: written.id.clone(),
        booking_id: booking.id.clone(),
        vehicle_id: booking.vehicle_id.clone(),
        reviewer_id: guest.id.to_string(),
        reviewee_id: host.id.to_string(),
        author: ReviewAuthor::Guest.into(),
        reviewer: Some(UserProfile {
            id: guest.id.to_string(),
            role: Role::Guest.into(),
            ..Default::default()
        }),
        rating: 4,
        category_ratings: review_input(&booking, 4).category_ratings,
        is_recommended: true,
        comment: review_input(&booking, 4).comment,
        created_at: Some(timestamp("2026-12-01T13:00:00Z")),
        visible_at: Some(timestamp("2026-12-08T13:00:00Z")),
        ..Default::default()
    };
    assert_eq!(written, expected);
    assert_eq!(
        harness.booking_reviews(guest, &booking.id).await.unwrap(),
        std::slice::from_ref(&expected)
    );
    assert_eq!(harness.booking_reviews(host, &booking.id).await.unwrap(), []);

    harness.clock.advance(Duration::from_hours(1));
    let second = harness.review(host, &booking, 5).await.unwrap();
    let now = Some(timestamp("2026-12-01T14:00:00Z"));
    assert_eq!((second.author(), second.visible_at), (ReviewAuthor::Host, now));
    let first = Review {
        visible_at: now,
        ..expected
    };
    for person in [guest, host, harness.person("admin")] {
        let shown = harness.booking_reviews(person, &booking.id).await.unwrap();
        assert_eq!(shown, [first.clone(), second.clone()]);
    }
    for id in [&first.id, &second.id] {
        harness.review_events(id, &["review.posted"]).await;
    }
    harness.finish().await;
}

#[tokio::test]
async fn only_review_is_posted_exactly_when_the_blind_period_ends() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.completed(guest, host).await;
    let review = harness.review(host, &booking, 2).await.unwrap();
    harness.clock.set(at("2026-12-08T12:59:59Z"));
    assert_eq!(
        harness.user_reviews(host, guest, ReviewDirection::Received).await,
        []
    );
    assert_eq!(harness.booking_reviews(guest, &booking.id).await.unwrap(), []);
    assert_eq!(harness.event_names(&review.id).await, Vec::<String>::new());
    harness.clock.set(at("2026-12-08T13:00:00Z"));
    let visible = harness.user_reviews(host, guest, ReviewDirection::Received).await;
    assert_eq!(visible, std::slice::from_ref(&review));
    harness.clock.set(at("2026-12-08T13:00:20Z"));
    harness.review_events(&review.id, &["review.posted"]).await;
    let posted: ReviewPosted = harness.event().await;
    let facts = posted.review.unwrap();
    assert_eq!(
        (facts.author(), facts.reviewer_id, facts.reviewee_id, facts.rating),
        (ReviewAuthor::Host, host.id.to_string(), guest.id.to_string(), 2)
    );
    assert_eq!(facts.booking.unwrap().vehicle_title, "현대 아이오닉 5");

    // The late one is visible at once.
    let late = harness.review(guest, &booking, 1).await.unwrap();
    assert_eq!(
        ids(&harness.vehicle_reviews(&booking.vehicle_id).await),
        [late.id.as_str()]
    );
    harness.review_events(&late.id, &["review.posted"]).await;
    harness.clock.advance(Duration::from_hours(24));
    harness.review_events(&review.id, &["review.posted"]).await;
    harness.finish().await;
}

#[tokio::test]
async fn create_review_is_refused_outside_of_the_period_and_of_completed_bookings() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let pending = harness.pending(guest, &harness.car(host)).await;
    let refused = harness.review(guest, &pending, 5).await;
    let error = assert_reason(refused, ErrorReason::BookingNotCompleted);
    assert_eq!(error.spec().code, "BOOKING041");
    harness.reject(host, &pending.id).await.unwrap();
    assert_reason(
        harness.review(host, &pending, 5).await,
        ErrorReason::BookingNotCompleted,
    );

    let booking = harness.completed(guest, host).await;
    for stranger in [harness.guest(), harness.host()] {
        let refused = harness.review(stranger, &booking, 5).await;
        assert_reason(refused, ErrorReason::BookingNotFound);
        let refused = harness.booking_reviews(stranger, &booking.id).await;
        assert_reason(refused, ErrorReason::BookingNotFound);
    }
    let admin = harness.person("admin");
    assert_reason(harness.review(admin, &booking, 5).await, Common::PermissionDenied);
    harness.clock.set(at("2026-12-15T12:59:59Z"));
    harness.review(guest, &booking, 5).await.unwrap();
    let again = harness.review(guest, &booking, 5).await;
    assert_eq!(
        assert_reason(again, ErrorReason::AlreadyReviewed).spec().code,
        "BOOKING043"
    );
    harness.clock.set(at("2026-12-15T13:00:00Z"));
    let late = assert_reason(
        harness.review(host, &booking, 5).await,
        ErrorReason::ReviewPeriodOver,
    );
    assert_eq!(
        (late.spec().code.as_str(), late.metadata()["days"].as_str()),
        ("BOOKING042", "14")
    );
    assert_eq!(harness.row_count("reviews").await, 1);
    harness.finish().await;
}

#[tokio::test]
async fn period_to_write_counts_from_the_completion_whatever_happens_later() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.completed(guest, host).await;
    harness.clock.set(at("2026-12-10T13:00:00Z"));
    let refunded = crate::events::PeerEvent::Refunded;
    harness
        .send_peer_event(&booking, refunded, uuid::Uuid::nil())
        .await;
    harness.handled("payment").await;
    harness.clock.set(at("2026-12-15T13:00:00Z"));
    assert_reason(
        harness.review(guest, &booking, 5).await,
        ErrorReason::ReviewPeriodOver,
    );
    harness.finish().await;
}

#[tokio::test]
async fn create_review_with_invalid_input_names_the_field() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.completed(guest, host).await;
    let input = || review_input(&booking, 5);
    let categories = |cleanliness, punctuality, manners| CreateReviewRequest {
        category_ratings: Some(CategoryRatings {
            cleanliness,
            punctuality,
            manners,
        }),
        ..input()
    };
    let comment = |text: &str| CreateReviewRequest {
        comment: Some(text.to_owned()),
        ..input()
    };
    let id = CreateReviewRequest {
        booking_id: "1".into(),
        ..input()
    };
    for (request, field) in [
        (id, "booking_id"),
        (review_input(&booking, 0), "rating"),
        (review_input(&booking, 6), "rating"),
        (review_input(&booking, -1), "rating"),
        (categories(Some(0), None, None), "category_ratings.cleanliness"),
        (categories(None, Some(6), None), "category_ratings.punctuality"),
        (categories(None, None, Some(9)), "category_ratings.manners"),
        (comment(&"가".repeat(2001)), "comment"),
        (comment("보이지 않는\u{200b} 글자"), "comment"),
    ] {
        let error = assert_reason(
            harness.create_review(guest, request).await,
            Common::InvalidArgument,
        );
        assert_eq!(error.violations()[0].field, field);
    }
    assert_eq!(harness.row_count("reviews").await, 0);
    let blank = CreateReviewRequest {
        is_recommended: Some(false),
        category_ratings: None,
        ..comment(" \n ")
    };
    let written = harness.create_review(guest, blank).await.unwrap();
    assert_eq!(
        (written.comment, written.is_recommended, written.category_ratings),
        (None, false, Some(CategoryRatings::default()))
    );
    harness.finish().await;
}

#[tokio::test]
async fn create_review_repeated_with_its_key_returns_the_same_reply() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.completed(guest, host).await;
    let call = async || {
        let request = harness.request(guest, review_input(&booking, 5));
        into_message(
            harness
                .reviews()
                .create_review(with_idempotency_key(request, "r-1"))
                .await,
        )
    };
    let first = call().await.unwrap();
    harness.clock.advance(Duration::from_hours(1));
    assert_eq!(call().await.unwrap(), first);
    assert_eq!(harness.row_count("reviews").await, 1);
    harness.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_reviews_of_both_sides_store_one_of_each_and_reveal_both() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.completed(guest, host).await;
    let calls = (0..20).map(|n| harness.review(if n % 2 == 0 { guest } else { host }, &booking, 1 + n % 5));
    let (stored, refused): (Vec<_>, Vec<_>) = join_all(calls).await.into_iter().partition(Result::is_ok);
    assert_eq!((stored.len(), refused.len()), (2, 18));
    for refusal in refused {
        assert_reason(refusal, ErrorReason::AlreadyReviewed);
    }
    let shown = harness.booking_reviews(host, &booking.id).await.unwrap();
    let authors: Vec<_> = shown.iter().map(Review::author).collect();
    assert!(authors.contains(&ReviewAuthor::Guest) && authors.contains(&ReviewAuthor::Host));
    for review in &shown {
        assert_eq!(review.visible_at, Some(timestamp("2026-12-01T13:00:00Z")));
        harness.review_events(&review.id, &["review.posted"]).await;
    }
    harness.finish().await;
}
