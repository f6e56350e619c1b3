//! Events of reviews: the rating of a car counts each shown review of a guest once, whatever is repeated.

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::Rating;
use carshare_proto::vehicle::v1::*;
use uuid::Uuid;

use crate::harness::calls::{booking, change, facts, near_gangnam};
use crate::harness::{Harness, into_message};
use crate::search::TUESDAY;

fn review(number: u128, car: &Vehicle, author: ReviewAuthor, rating: i32) -> (String, Option<ReviewFacts>) {
    let review_id = Uuid::from_u128(number).to_string();
    let facts = ReviewFacts {
        review_id: review_id.clone(),
        booking: facts(booking(number), car, TUESDAY),
        author: author.into(),
        rating,
        ..ReviewFacts::default()
    };
    (review_id, Some(facts))
}

fn posted((review_id, review): (String, Option<ReviewFacts>)) -> ReviewPosted {
    ReviewPosted { review_id, review }
}

impl Harness {
    async fn rating(&self, car: &Vehicle) -> Option<(i64, i32)> {
        let request = GetVehicleRequest {
            vehicle_id: car.id.clone(),
        };
        let car = into_message(self.client.clone().get_vehicle(request).await).unwrap();
        car.rating.map(|rating| (rating.count, rating.average_hundredths))
    }
}

#[tokio::test]
async fn rating_counts_shown_reviews_of_guests_once() {
    let harness = Harness::start().await;
    let host = harness.host();
    let registration = harness.registration("서울 강남구 테헤란로 152");
    let car = harness.active_car(host, registration).await;
    assert_eq!(harness.rating(&car).await, None);
    let by_guest = |number, rating| review(number, &car, ReviewAuthor::Guest, rating);
    harness.publish_from_booking(posted(by_guest(1, 5))).await;
    harness.publish_from_booking(posted(by_guest(2, 4))).await;
    harness
        .publish_from_booking(posted(review(3, &car, ReviewAuthor::Host, 1)))
        .await;
    assert_eq!(harness.rating(&car).await, Some((2, 450)));
    // The same again, under another number of the event.
    harness.publish_from_booking(posted(by_guest(2, 4))).await;
    harness.publish_from_booking(posted(by_guest(4, 4))).await;
    assert_eq!(harness.rating(&car).await, Some((3, 433)));

    let (review_id, review) = by_guest(1, 5);
    for _ in 0..2 {
        let hidden = ReviewHidden {
            review_id: review_id.clone(),
            review: review.clone(),
        };
        harness.publish_from_booking(hidden).await;
        assert_eq!(harness.rating(&car).await, Some((2, 400)));
    }
    harness
        .publish_from_booking(ReviewRestored { review_id, review })
        .await;
    assert_eq!(harness.rating(&car).await, Some((3, 433)));
    harness.finish().await;
}

#[tokio::test]
async fn review_that_was_never_posted_is_hidden_without_effect() {
    let harness = Harness::start().await;
    let host = harness.host();
    let registration = harness.registration("서울 강남구 테헤란로 152");
    let car = harness.active_car(host, registration).await;
    let (review_id, review) = review(1, &car, ReviewAuthor::Guest, 5);
    harness
        .publish_from_booking(ReviewHidden { review_id, review })
        .await;
    assert_eq!(harness.rating(&car).await, None);
    assert_eq!(harness.row_count("vehicle_ratings").await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn only_review_that_is_hidden_leaves_no_rating() {
    let harness = Harness::start().await;
    let host = harness.host();
    let registration = harness.registration("서울 강남구 테헤란로 152");
    let car = harness.active_car(host, registration).await;
    let facts = review(1, &car, ReviewAuthor::Guest, 2);
    harness.publish_from_booking(posted(facts.clone())).await;
    assert_eq!(harness.rating(&car).await, Some((1, 200)));
    let (review_id, review) = facts;
    harness
        .publish_from_booking(ReviewHidden { review_id, review })
        .await;
    assert_eq!(harness.rating(&car).await, None);
    harness.finish().await;
}

#[tokio::test]
async fn search_and_lists_show_the_rating_and_it_is_no_part_of_the_tag() {
    let harness = Harness::start().await;
    let host = harness.host();
    let registration = harness.registration("서울 강남구 테헤란로 152");
    let car = harness.active_car(host, registration).await;
    harness
        .publish_from_booking(posted(review(1, &car, ReviewAuthor::Guest, 3)))
        .await;
    let rating = Some(Rating {
        count: 1,
        average_hundredths: 300,
    });
    let found = into_message(
        harness
            .client
            .clone()
            .search_vehicles(near_gangnam(TUESDAY))
            .await,
    )
    .unwrap();
    assert_eq!(found.vehicles[0].rating, rating);
    let mine = harness.request(host, ListMyVehiclesRequest::default());
    let mine = into_message(harness.client.clone().list_my_vehicles(mine).await).unwrap();
    assert_eq!(
        (mine.vehicles[0].rating, &mine.vehicles[0].etag),
        (rating, &car.etag)
    );
    let update = UpdateVehicleRequest {
        hourly_rate: Some(9_000),
        etag: car.etag.clone(),
        ..change(&car)
    };
    assert_eq!(harness.update(host, update).await.unwrap().rating, rating);
    harness.finish().await;
}
