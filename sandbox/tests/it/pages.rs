//! HTML pages and shutdown.

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
    assert_eq!(links.len(), 6);
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

#[tokio::test]
async fn shutdown_closes_the_port() {
    let it = Fixture::new().await;
    let url = it.sandbox.url().to_owned();
    assert_eq!(it.http.get(&url).send().await.unwrap().status(), 200);
    it.sandbox.shutdown().await;
    assert!(it.http.get(&url).send().await.unwrap_err().is_connect());
}
