//! A completed rental is reviewed by both sides over REST; car, host and guest show their ratings.

use carshare_testkit::{eventually, eventually_true};
use serde_json::{Value, json};

use crate::harness::{Guest, Host, Rest, TIMEOUT, mesh_with_manual_clock, next_slot};

/// The user's notification of a posted review, as soon as there is one.
async fn notified(rest: &Rest) -> Value {
    eventually(TIMEOUT, || async {
        let all = rest.read("/v1/notifications").await;
        let posted = |item: &&Value| item["type"] == "review.posted";
        all.as_array().expect("a list").iter().find(posted).cloned()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn completed_rental_is_reviewed_by_both_and_rated() {
    let (mesh, clock) = mesh_with_manual_clock().await;
    let (mut host, mut guest) = (Host::register(&mesh).await, Guest::with_card(&mesh).await);
    let (car, slot) = (host.car().await, next_slot(mesh.now()));
    let booking = guest.request(&car, slot).await;
    host.approve(&booking).await.ok(200);
    guest.confirmed(&booking).await;
    let path = format!("/v1/bookings/{booking}");
    let reviews = format!("{path}/reviews");
    let by_guest = json!({
        "rating": 4, "category_ratings": { "cleanliness": 5, "punctuality": 4, "manners": 5 },
        "comment": "차가 깨끗했어요.", "is_recommended": true,
    });
    let early = guest.rest.post(&reviews, &by_guest).await;
    early.expect_error(409, "BOOKING041");
    clock.set(slot.start);
    (host.rest, guest.rest) = (host.sign_in().await, guest.sign_in().await);
    guest.rest.put(&format!("{path}/start"), &json!({})).await.ok(200);
    host.rest
        .put(&format!("{path}/complete"), &json!({}))
        .await
        .ok(200);

    let written = guest.rest.post(&reviews, &by_guest).await.ok(201);
    assert_eq!(
        (
            &written["author"],
            &written["rating"],
            &written["category_ratings"],
            &written["reviewee_id"]
        ),
        (
            &json!("guest"),
            &json!(4),
            &by_guest["category_ratings"],
            &json!(host.id)
        )
    );
    let repeated = guest.rest.post(&reviews, &by_guest).await;
    repeated.expect_error(409, "BOOKING043");
    assert_eq!(host.rest.read(&reviews).await, json!([]));
    let of_car = format!("/v1/vehicles/{car}/reviews");
    let anonymous = Rest::of(&mesh);
    assert_eq!(anonymous.read(&of_car).await, json!([]));
    let answer = format!("/v1/reviews/{}/reply", written["id"].as_str().expect("an id"));
    let text = json!({ "reply": "감사합니다." });
    host.rest
        .put(&answer, &text)
        .await
        .expect_error(404, "BOOKING040");

    host.rest.post(&reviews, &json!({ "rating": 5 })).await.ok(201);
    assert_eq!(anonymous.read(&of_car).await[0]["comment"], by_guest["comment"]);
    assert_eq!(
        host.rest.put(&answer, &text).await.ok(200)["reply"],
        text["reply"]
    );
    for rest in [&host.rest, &guest.rest] {
        assert_eq!(notified(rest).await["data"]["booking_id"], json!(booking));
    }
    assert_rated(&anonymous, &format!("/v1/vehicles/{car}"), &["", "/owner"], 400).await;
    assert_rated(&host.rest, &path, &["/guest"], 500).await;
    assert_eq!(exported_reviews(&guest.rest).await, 2, "written and received");
}

/// Waits until these parts of a reply have one review of this rating in hundredths.
async fn assert_rated(rest: &Rest, path: &str, parts: &[&str], average: i64) {
    let rating = json!({ "count": 1, "average_hundredths": average });
    eventually_true(TIMEOUT, || async {
        let shown = rest.read(path).await;
        let is_rated = |part: &&str| shown.pointer(&format!("{part}/rating")) == Some(&rating);
        parts.iter().all(is_rated)
    })
    .await;
}

/// Counts the reviews in the export of a user's data.
async fn exported_reviews(user: &Rest) -> usize {
    let export = user
        .request(reqwest::Method::GET, "/v1/auth/me/export")
        .send()
        .await;
    let export = export.expect("a response").text().await.expect("a body");
    export
        .lines()
        .filter(|line| line.starts_with("{\"review\""))
        .count()
}
