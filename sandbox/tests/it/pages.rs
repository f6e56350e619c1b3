//! HTML pages and shutdown.

use carshare_sandbox::{GOOD_CARD, Provider};
use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::json;

use crate::client::{Fixture, answer};

#[tokio::test]
async fn index_page_has_valid_links_only() {
    let it = Fixture::new().await;
    let page = it
        .request(Method::GET, "/")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let links: Vec<&str> = page
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(links.len(), 10);
    for link in links {
        assert_eq!(
            answer(it.request(Method::GET, &format!("/{link}"))).await.0,
            200,
            "{link}"
        );
    }
    assert!(page.contains("4330000000000101"));
    assert_eq!(answer(it.request(Method::GET, "/healthz")).await.1, json!("ok"));
}

/// Submits a form as a browser does, and returns status and page.
async fn submit(it: &Fixture, path: &str, form: &'static str) -> (u16, String) {
    let request = it
        .request(Method::POST, path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn button_injects_a_fault_and_clears_it() {
    let it = Fixture::new().await;
    let (status, page) = submit(&it, "/faults/inject", "provider=toss&fault=unavailable&times=2").await;
    assert_eq!(status, 200);
    assert!(page.contains("<td>Toss</td><td><code></code></td><td>HTTP 503</td><td>2</td>"));
    assert_eq!(it.toss_get("/v1/payments/none").await.0, 503);
    let (_, page) = submit(&it, "/faults/clear", "").await;
    assert!(page.contains("No faults"));
    assert_eq!(it.toss_get("/v1/payments/none").await.0, 404);
    assert_eq!(it.sandbox.request_count(Provider::Toss, "/v1/payments/none"), 2);
    let (status, _) = submit(&it, "/faults/inject", "provider=toss&fault=other&times=1").await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn registered_card_gets_a_billing_key() {
    let it = Fixture::new().await;
    let (status, page) = submit(
        &it,
        "/cards",
        "customer_key=customer-1&card_number=4330123412341234",
    )
    .await;
    assert_eq!((status, GOOD_CARD), (200, "4330123412341234"));
    let auth_key = page.split("asbx_").nth(1).unwrap().split('"').next().unwrap();
    let body = json!({ "authKey": format!("asbx_{auth_key}"), "customerKey": "customer-1" });
    let (status, issued) = it.toss_post("/v1/billing/authorizations/issue", body).await;
    assert_eq!(status, 200, "{issued}");
    assert_eq!(
        submit(&it, "/cards", "customer_key=customer-1&card_number=12")
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn payments_page_shows_order_amount_and_status() {
    let it = Fixture::new().await;
    it.checkout("order-0001", 45_000).await;
    let page = it.request(Method::GET, "/payments").send().await.unwrap();
    let page = page.text().await.unwrap();
    for text in ["order-0001", "₩45,000", "InProgress", "03-04 10:15:31"] {
        assert!(page.contains(text), "{text}");
    }
}

#[tokio::test]
async fn shutdown_closes_the_port() {
    let it = Fixture::new().await;
    let url = it.sandbox.url().to_owned();
    assert_eq!(it.http.get(&url).send().await.unwrap().status(), 200);
    it.sandbox.shutdown().await;
    assert!(it.http.get(&url).send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn movable_clock_is_advanced_by_request_and_by_button() {
    let (it, clock) = Fixture::movable().await;
    let start = clock.now();
    let advance = it
        .request(Method::POST, "/sandbox/clock")
        .body(r#"{"advance_seconds":86400}"#);
    let (status, body) = answer(advance).await;
    assert_eq!(status, 200);
    let now: DateTime<Utc> = body["now"].as_str().unwrap().parse().unwrap();
    assert_eq!((now - start).num_hours(), 24);
    let (status, page) = submit(&it, "/clock/advance", "advance_seconds=3600").await;
    assert_eq!(status, 200);
    assert!(page.contains("in Seoul"), "{page}");
    assert_eq!((clock.now() - start).num_hours(), 25);
    for refused in [
        "",
        "{}",
        r#"{"advance_seconds":0}"#,
        r#"{"advance_seconds":-1}"#,
        r#"{"advance_seconds":31622401}"#,
    ] {
        let request = it.request(Method::POST, "/sandbox/clock").body(refused);
        assert_eq!(answer(request).await.0, 400, "{refused}");
    }
    assert_eq!((clock.now() - start).num_hours(), 25);
}

#[tokio::test]
async fn clock_of_another_process_is_not_advanced() {
    let it = Fixture::new().await;
    let before = it.clock.now();
    let request = it
        .request(Method::POST, "/sandbox/clock")
        .body(r#"{"advance_seconds":60}"#);
    assert_eq!(answer(request).await.0, 409);
    assert_eq!(it.clock.now(), before);
}
