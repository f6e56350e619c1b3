//! The gateway's own pages.

use carshare_proto::contract;
use carshare_testkit::eventually_true;
use reqwest::Method;
use serde_json::json;

use crate::harness::{Harness, TIMEOUT, header, send, send_for_json};

#[tokio::test]
async fn gateway_is_alive_at_once_and_ready_when_every_service_was_reached() {
    let gateway = Harness::start().await;
    let healthz = send(gateway.anonymous(Method::GET, "/healthz")).await;
    assert_eq!(healthz.status().as_u16(), 200);
    // The payment service is down.
    let waiting = json!({ "ready": false, "draining": false, "waiting_for": ["payment"] });
    let readyz = async || send_for_json(gateway.anonymous(Method::GET, "/readyz")).await;
    eventually_true(TIMEOUT, async || readyz().await == (503, waiting.clone())).await;

    let gateway = Harness::start_with(|config| drop(config.service.peers.remove("payment"))).await;
    let ready = json!({ "ready": true, "draining": false, "waiting_for": [] });
    let readyz = async || send_for_json(gateway.anonymous(Method::GET, "/readyz")).await;
    eventually_true(TIMEOUT, async || readyz().await == (200, ready.clone())).await;
}

#[tokio::test]
async fn contract_is_served_as_openapi_and_as_a_page() {
    let gateway = Harness::start().await;
    let (status, document) = send_for_json(gateway.anonymous(Method::GET, "/openapi.json")).await;
    assert_eq!((status, &document["openapi"]), (200, &json!("3.1.0")));
    let page = send(gateway.anonymous(Method::GET, "/docs")).await;
    assert_eq!(header(&page, "content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(header(&page, "cache-control"), Some("public, max-age=300"));
    assert!(
        header(&page, "content-security-policy")
            .unwrap()
            .contains("script-src 'self'")
    );
    let page = page.text().await.unwrap();
    let script = page
        .split('"')
        .find(|text| text.starts_with("/docs/scalar-"))
        .unwrap();
    let script = send(
        gateway
            .anonymous(Method::GET, script)
            .header("accept-encoding", "gzip"),
    )
    .await;
    assert_eq!(
        (script.status().as_u16(), header(&script, "content-encoding")),
        (200, Some("gzip"))
    );
    let errors = send(gateway.anonymous(Method::GET, "/docs/errors")).await;
    assert!(errors.text().await.unwrap().contains("BOOKING002"));
    let missing = send(gateway.anonymous(Method::GET, "/docs/other")).await;
    assert_eq!(missing.status().as_u16(), 404);
}

/// The reference renders the operations of `/openapi.json`.
#[tokio::test]
async fn document_of_the_reference_has_every_operation_of_the_contract() {
    let gateway = Harness::start().await;
    let script = send(gateway.anonymous(Method::GET, "/docs/reference.js")).await;
    assert!(script.text().await.unwrap().contains(r#"url: "/openapi.json""#));
    let (_, document) = send_for_json(gateway.anonymous(Method::GET, "/openapi.json")).await;
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    let mut described: Vec<_> = operations
        .map(|operation| operation["x-grpc"].as_str().unwrap().to_owned())
        .collect();
    let mut offered: Vec<_> = contract::methods()
        .filter(|rpc| contract::http(rpc).is_some())
        .map(|rpc| format!("/{}/{}", rpc.parent_service().full_name(), rpc.name()))
        .collect();
    described.sort();
    // An RPC may have several routes.
    described.dedup();
    offered.sort();
    assert_eq!(described, offered);
}

#[tokio::test]
async fn documents_are_compressed_and_revalidated_and_the_root_leads_to_them() {
    let gateway = Harness::start().await;
    for path in ["/openapi.json", "/docs"] {
        let request = || {
            gateway
                .anonymous(Method::GET, path)
                .header("accept-encoding", "br")
        };
        let first = send(request()).await;
        assert_eq!(header(&first, "content-encoding"), Some("br"), "{path}");
        let tag = header(&first, "etag").unwrap();
        let again = send(request().header("if-none-match", tag)).await;
        assert_eq!(again.status().as_u16(), 304, "{path}");
        assert_eq!(again.bytes().await.unwrap().len(), 0, "{path}");
    }
    let root = send(gateway.anonymous(Method::GET, "/")).await;
    assert!(root.url().path() == "/docs" && root.status().as_u16() == 200);
}
