//! The gateway's own pages.

use carshare_testkit::eventually;
use reqwest::Method;
use serde_json::json;

use crate::harness::{Edge, TIMEOUT, header, told};

#[tokio::test]
async fn it_is_alive_at_once_and_ready_when_every_service_was_reached() {
    let edge = Edge::start().await;
    assert_eq!(
        edge.anonymous(Method::GET, "/healthz")
            .send()
            .await
            .unwrap()
            .status()
            .as_u16(),
        200
    );
    // The payment service is down.
    let waiting = json!({ "ready": false, "draining": false, "waiting_for": ["payment"] });
    eventually(TIMEOUT, || async {
        let answer = told(edge.anonymous(Method::GET, "/readyz").send().await.unwrap()).await;
        (answer == (503, waiting.clone())).then_some(())
    })
    .await;

    let whole = Edge::start_with(|config| drop(config.service.peers.remove("payment"))).await;
    let ready = json!({ "ready": true, "draining": false, "waiting_for": [] });
    eventually(TIMEOUT, || async {
        let answer = told(whole.anonymous(Method::GET, "/readyz").send().await.unwrap()).await;
        (answer == (200, ready.clone())).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_contract_is_served_for_tools_and_for_people() {
    let edge = Edge::start().await;
    let response = edge.anonymous(Method::GET, "/openapi.json").send().await.unwrap();
    assert_eq!(header(&response, "cache-control"), Some("public, max-age=300"));
    let (status, document) = told(response).await;
    assert_eq!((status, &document["openapi"]), (200, &json!("3.1.0")));
    let page = edge.anonymous(Method::GET, "/docs").send().await.unwrap();
    assert_eq!(header(&page, "content-type"), Some("text/html; charset=utf-8"));
    assert!(
        header(&page, "content-security-policy")
            .unwrap()
            .contains("style-src 'unsafe-inline'")
    );
    assert!(page.text().await.unwrap().contains("BOOKING002"));
}
