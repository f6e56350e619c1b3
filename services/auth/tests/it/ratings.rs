//! Events of reviews: the public profile has the rating of the shown reviews about the user.

use carshare_auth::Auth as AuthService;
use carshare_proto::auth::v1::auth_service_client::AuthServiceClient;
use carshare_proto::auth::v1::*;
use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::Rating;
use carshare_proto::events::EventMessage;
use carshare_service_testkit::{Instance, Setup, TestService};
use uuid::Uuid;

use crate::harness::*;

/// The service, and booking as the publisher of events.
struct Reviewed {
    service: TestService<AuthService>,
    instance: Instance,
    user: User,
}

impl Reviewed {
    async fn start() -> Self {
        let service = Setup::<AuthService>::new(START, &["booking"]);
        let service = set(service).prepare(|_| {}).await;
        let instance = service.start_instance().await;
        let mut client = AuthServiceClient::new(instance.channel());
        let registered = client.register(guest("minji@example.com")).await.unwrap();
        let user = registered.into_inner().user.unwrap();
        Self {
            service,
            instance,
            user,
        }
    }

    fn review(&self, number: u128, rating: i32) -> (String, Option<ReviewFacts>) {
        let review_id = Uuid::from_u128(number).to_string();
        let facts = ReviewFacts {
            review_id: review_id.clone(),
            author: ReviewAuthor::Host.into(),
            reviewer_id: Uuid::from_u128(99).to_string(),
            reviewee_id: self.user.id.clone(),
            rating,
            ..ReviewFacts::default()
        };
        (review_id, Some(facts))
    }

    async fn publish<E: EventMessage>(&self, event: E) {
        self.service.publish("booking", event).await;
        self.service.handled().await;
    }

    async fn post(&self, (review_id, review): (String, Option<ReviewFacts>)) {
        self.publish(ReviewPosted { review_id, review }).await;
    }

    /// Returns the ratings in the events `user.updated`, in order.
    async fn published(&self) -> Vec<Option<(i64, i32)>> {
        let events = self.service.events::<UserUpdated>().await.into_iter();
        let ratings = events.map(|event| event.profile.unwrap().rating);
        ratings
            .map(|rating: Option<Rating>| rating.map(|rating| (rating.count, rating.average_hundredths)))
            .collect()
    }

    async fn finish(self) {
        self.service.finish([self.instance]).await;
    }
}

fn set(setup: Setup<AuthService>) -> Setup<AuthService> {
    settings("", "")
        .into_iter()
        .filter(|(name, _)| {
            !name.starts_with("DATABASE") && !name.starts_with("REDIS") && !name.starts_with("TLS")
        })
        .fold(setup, |setup, (name, value)| setup.env(&name, value))
}

#[tokio::test]
async fn profile_has_the_rating_of_shown_reviews() {
    let reviewed = Reviewed::start().await;
    reviewed.post(reviewed.review(1, 5)).await;
    reviewed.post(reviewed.review(2, 4)).await;
    // A repeat under another number of the event.
    reviewed.post(reviewed.review(2, 4)).await;
    reviewed.post(reviewed.review(3, 4)).await;
    let (review_id, review) = reviewed.review(1, 5);
    for _ in 0..2 {
        let hidden = ReviewHidden {
            review_id: review_id.clone(),
            review: review.clone(),
        };
        reviewed.publish(hidden).await;
    }
    reviewed.publish(ReviewRestored { review_id, review }).await;
    let expected = [(1, 500), (2, 450), (3, 433), (2, 400), (3, 433)].map(Some);
    assert_eq!(reviewed.published().await, expected);
    let columns = "SELECT rating_sum || '/' || review_count AS line FROM users";
    assert_eq!(reviewed.service.lines(columns).await, ["13/3"]);
    reviewed.finish().await;
}

#[tokio::test]
async fn hidden_only_review_leaves_no_rating() {
    let reviewed = Reviewed::start().await;
    reviewed.post(reviewed.review(1, 1)).await;
    let (review_id, review) = reviewed.review(1, 1);
    reviewed.publish(ReviewHidden { review_id, review }).await;
    assert_eq!(reviewed.published().await, [Some((1, 100)), None]);
    reviewed.finish().await;
}

#[tokio::test]
async fn review_about_a_deleted_account_is_ignored_and_its_rows_go_with_it() {
    let reviewed = Reviewed::start().await;
    reviewed.post(reviewed.review(1, 5)).await;
    reviewed.service.execute("DELETE FROM users").await;
    assert_eq!(reviewed.service.row_count("user_reviews").await, 0);
    reviewed.post(reviewed.review(2, 5)).await;
    assert_eq!(reviewed.service.row_count("user_reviews").await, 0);
    assert_eq!(reviewed.published().await.len(), 1);
    reviewed.finish().await;
}
