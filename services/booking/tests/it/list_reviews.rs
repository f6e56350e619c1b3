//! `ListVehicleReviews` and `ListUserReviews`: pages of visible reviews, and what they show of whom.

use carshare_proto::auth::v1::{UserProfile, UserRegistered};
use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::options::v1::Role;
use carshare_testkit::Counts;
use tonic::Request;
use uuid::Uuid;

use crate::harness::*;

use ReviewDirection::{Received, Written};

/// Stores visible reviews of a car by this number of guests, a minute apart, as copies of one.
async fn copies(harness: &Harness, count: i32) {
    let unposted = "SELECT count(*) AS count FROM reviews WHERE posted_at IS NULL";
    wait_until(|| async { harness.count(unposted).await == 0 }).await;
    let columns = "vehicle_id, rating, is_recommended, comment, posted_at, author, reviewee_id";
    let sql = format!(
        "ALTER TABLE reviews DROP CONSTRAINT reviews_booking_id_fkey; \
         INSERT INTO reviews (id, booking_id, reviewer_id, created_at, visible_at, {columns}) \
         SELECT md5('r' || n)::uuid, md5('b' || n)::uuid, md5('g' || n)::uuid, created_at - n * interval '1 minute', \
             visible_at - n * interval '1 minute', {columns} FROM reviews, generate_series(1, {count}) n WHERE author = 'guest'"
    );
    harness.execute(&sql).await;
}

#[tokio::test]
async fn vehicle_reviews_are_paged_for_everybody_with_the_profiles_of_guests() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.completed(guest, host).await;
    let (by_guest, _) = harness.reviewed(guest, host, &booking).await;
    let profile = UserProfile {
        id: guest.id.to_string(),
        name: "김민지".into(),
        role: Role::Guest.into(),
        is_verified: true,
        ..Default::default()
    };
    let registered = UserRegistered {
        user_id: guest.id.to_string(),
        profile: Some(profile.clone()),
    };
    harness.send("auth", Uuid::from_u128(1), &registered).await;
    harness.handled("auth").await;
    copies(&harness, 4).await;
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let request = ListVehicleReviewsRequest {
            vehicle_id: booking.vehicle_id.clone(),
            page_size: 2,
            page_token: token,
        };
        let page = into_message(harness.reviews().list_vehicle_reviews(request).await).unwrap();
        assert!(page.reviews.len() <= 2);
        seen.extend(page.reviews);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    // The review of the host about the guest is none of the car.
    assert_eq!(seen.len(), 5);
    assert!(seen.iter().all(|review| review.author() == ReviewAuthor::Guest));
    assert!(seen.is_sorted_by_key(|review| std::cmp::Reverse(review.created_at.unwrap().seconds)));
    assert_eq!(
        (seen[0].id.as_str(), seen[0].reviewer.as_ref()),
        (by_guest.id.as_str(), Some(&profile))
    );
    assert_eq!(harness.vehicle_reviews(&Uuid::nil().to_string()).await, []);
    harness.finish().await;
}

#[tokio::test]
async fn page_token_is_bound_to_its_list() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.completed(guest, host).await;
    harness.reviewed(guest, host, &booking).await;
    copies(&harness, 1).await;
    let request = |vehicle_id: &str, page_token: &str| ListVehicleReviewsRequest {
        vehicle_id: vehicle_id.into(),
        page_size: 1,
        page_token: page_token.into(),
    };
    let first = harness
        .reviews()
        .list_vehicle_reviews(request(&booking.vehicle_id, ""))
        .await;
    let token = into_message(first).unwrap().next_page_token;
    assert!(!token.is_empty());
    let other = harness
        .reviews()
        .list_vehicle_reviews(request(&booking.id, &token))
        .await;
    let error = assert_reason(into_message(other), Common::InvalidArgument);
    assert_eq!(error.violations()[0].field, "page_token");
    for (request, field) in [
        (request("1", ""), "vehicle_id"),
        (
            ListVehicleReviewsRequest {
                page_size: 201,
                ..request(&booking.id, "")
            },
            "page_size",
        ),
        (
            ListVehicleReviewsRequest {
                page_size: -1,
                ..request(&booking.id, "")
            },
            "page_size",
        ),
    ] {
        let refused = into_message(harness.reviews().list_vehicle_reviews(request).await);
        assert_eq!(
            assert_reason(refused, Common::InvalidArgument).violations()[0].field,
            field
        );
    }
    harness.finish().await;
}

#[tokio::test]
async fn users_see_the_published_reviews_of_others_and_all_that_they_wrote() {
    let mut harness = Harness::start().await;
    let (guest, host, other) = (harness.guest(), harness.host(), harness.guest());
    let booking = harness.completed(guest, host).await;
    let blind = harness.review(guest, &booking, 3).await.unwrap();
    for (caller, user, direction, expected) in [
        (guest, guest, Written, vec![blind.id.as_str()]),
        (host, guest, Written, vec![]),
        (other, guest, Written, vec![]),
        (host, host, Received, vec![]),
        (guest, host, Received, vec![]),
    ] {
        let shown = harness.user_reviews(caller, user, direction).await;
        assert_eq!(ids(&shown), expected, "{direction:?} {caller:?}");
    }
    let second = harness.review(host, &booking, 5).await.unwrap();
    for caller in [guest, host, other] {
        assert_eq!(
            ids(&harness.user_reviews(caller, guest, Written).await),
            [blind.id.as_str()]
        );
        assert_eq!(
            ids(&harness.user_reviews(caller, host, Received).await),
            [blind.id.as_str()]
        );
        assert_eq!(
            ids(&harness.user_reviews(caller, guest, Received).await),
            [second.id.as_str()]
        );
        assert_eq!(
            ids(&harness
                .user_reviews(caller, guest, ReviewDirection::Unspecified)
                .await),
            [second.id.as_str()]
        );
    }
    let own = harness.request(guest, ListUserReviewsRequest::default());
    let own = into_message(harness.reviews().list_user_reviews(own).await).unwrap();
    assert_eq!(ids(&own.reviews), [second.id.as_str()], "of the caller");
    let anonymous = ListUserReviewsRequest {
        user_id: Some(host.id.to_string()),
        ..Default::default()
    };
    let refused = into_message(harness.reviews().list_user_reviews(Request::new(anonymous)).await);
    assert_reason(refused, Common::Unauthenticated);
    let invalid = ListUserReviewsRequest {
        user_id: Some(host.id.to_string()),
        direction: 9,
        ..Default::default()
    };
    let refused = into_message(
        harness
            .reviews()
            .list_user_reviews(harness.request(host, invalid))
            .await,
    );
    assert_eq!(
        assert_reason(refused, Common::InvalidArgument).violations()[0].field,
        "direction"
    );
    harness.finish().await;
}

#[tokio::test]
async fn list_of_reviews_is_two_statements() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.completed(guest, host).await;
    harness.reviewed(guest, host, &booking).await;
    copies(&harness, 10).await;
    let (instance, meter) = harness.start_metered().await;
    let mut client = review_service_client::ReviewServiceClient::new(instance.channel());
    let mut list = async || {
        let request = ListVehicleReviewsRequest {
            vehicle_id: booking.vehicle_id.clone(),
            ..Default::default()
        };
        into_message(client.list_vehicle_reviews(request).await).unwrap()
    };
    list().await;
    list().await;
    // The page, and the profiles of its authors.
    let (page, measured) = meter.measure(list()).await;
    assert_eq!(page.reviews.len(), 11);
    measured.assert(Counts {
        statements: 2,
        round_trips: 2,
        commits: 0,
    });
    instance.stop().await;
    harness.finish().await;
}
