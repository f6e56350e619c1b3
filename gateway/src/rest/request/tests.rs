//! Requests to routes of the real contract.

use http::Request;
use serde_json::{Value as Json, json};

use super::*;
use crate::method_table::Rpcs;
use crate::routes::{Found, Routes};

const MAX_BYTES: usize = 256;

/// Sends `body` as JSON when it is not empty, and gives the request message as JSON, or the code and the faults.
async fn sent(method: &str, uri: &str, body: &str) -> Result<Json, (String, Vec<(String, String)>)> {
    let content_type = if body.is_empty() {
        "text/plain"
    } else {
        "application/json; charset=utf-8"
    };
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .header(CONTENT_TYPE, content_type);
    send(request.body(Body::from(body.to_owned())).unwrap()).await
}

async fn send(request: Request<Body>) -> Result<Json, (String, Vec<(String, String)>)> {
    let routes = Routes::read(Rpcs::read().unwrap().iter()).unwrap();
    let (parts, body) = request.into_parts();
    let Found::Route(route, bindings) = routes.find(&parts.method, parts.uri.path()) else {
        panic!("no route")
    };
    match read(route, bindings, &parts, body, MAX_BYTES).await {
        Ok(message) => Ok(serde_json::to_value(json::Json(&message)).unwrap()),
        Err(error) => {
            let faults = error
                .violations()
                .iter()
                .map(|v| (v.field.clone(), v.rule.clone()))
                .collect();
            Err((error.fact().code.clone(), faults))
        }
    }
}

fn invalid(faults: &[(&str, &str)]) -> Result<Json, (String, Vec<(String, String)>)> {
    let faults = faults
        .iter()
        .map(|(field, rule)| ((*field).to_owned(), (*rule).to_owned()))
        .collect();
    Err(("COMMON001".to_owned(), faults))
}

#[tokio::test]
async fn body_and_path_make_the_message() {
    let approve = sent("PUT", "/v1/bookings/b%2D7/approve", r#"{"host_response":"네"}"#).await;
    assert_eq!(approve, Ok(json!({ "booking_id": "b-7", "host_response": "네" })));
    let empty = sent("PUT", "/v1/bookings/b/approve", "").await;
    assert_eq!(empty, Ok(json!({ "booking_id": "b" })));
    let webhook = sent("POST", "/v1/payments/webhook", r#"{"a":[1,null]}"#).await;
    assert_eq!(webhook, Ok(json!({ "payload": { "a": [1.0, null] } })));
}

#[tokio::test]
async fn what_the_path_says_is_refused_elsewhere() {
    let body = sent("PUT", "/v1/bookings/b/approve", r#"{"booking_id":"c"}"#).await;
    assert_eq!(body, invalid(&[("booking_id", "GIVEN_BY_PATH")]));
    let query = sent("GET", "/v1/bookings/b?booking_id=c", "").await;
    assert_eq!(query, invalid(&[("booking_id", "GIVEN_BY_PATH")]));
}

#[tokio::test]
async fn a_query_is_refused_where_the_body_is_the_message() {
    let approve = sent("PUT", "/v1/bookings/b/approve?host_response=x", "").await;
    assert_eq!(approve, invalid(&[("host_response", "UNKNOWN_FIELD")]));
    let webhook = sent("POST", "/v1/payments/webhook?payload=x", "").await;
    assert_eq!(webhook, invalid(&[("payload", "UNKNOWN_FIELD")]));
}

#[tokio::test]
async fn faults_of_body_and_query_come_together() {
    let both = sent("PUT", "/v1/bookings/b/approve?x=1", r#"{"y":1}"#).await;
    assert_eq!(both, invalid(&[("y", "UNKNOWN_FIELD"), ("x", "UNKNOWN_FIELD")]));
}

#[tokio::test]
async fn what_is_not_json_is_refused() {
    for broken in [
        "{",
        "{\"a\":}",
        "{}{}",
        "\u{feff}{}",
        r#"{"host_response":"a","host_response":"b"}"#,
    ] {
        assert_eq!(
            sent("PUT", "/v1/bookings/b/approve", broken).await,
            invalid(&[("", "JSON")]),
            "{broken}"
        );
    }
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(50));
    assert_eq!(
        sent("POST", "/v1/payments/webhook", &deep).await,
        invalid(&[("", "JSON")])
    );
}

#[tokio::test]
async fn another_content_type_and_none_are_unsupported() {
    for content_type in [
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        None,
    ] {
        let mut request = Request::put("/v1/bookings/b/approve")
            .body(Body::from("{}"))
            .unwrap();
        if let Some(content_type) = content_type {
            request
                .headers_mut()
                .insert(CONTENT_TYPE, content_type.parse().unwrap());
        }
        assert_eq!(
            send(request).await,
            Err(("COMMON010".to_owned(), vec![])),
            "{content_type:?}"
        );
    }
}

#[tokio::test]
async fn a_packed_body_is_unsupported() {
    let ask = async |coding: &str| {
        let request = Request::put("/v1/bookings/b/approve")
            .header(CONTENT_TYPE, "application/json")
            .header(CONTENT_ENCODING, coding);
        send(request.body(Body::from("{}")).unwrap()).await
    };
    assert_eq!(ask("gzip").await, Err(("COMMON010".to_owned(), vec![])));
    assert_eq!(ask("identity").await, Ok(json!({ "booking_id": "b" })));
}

#[tokio::test]
async fn a_body_is_limited_whether_it_says_its_length_or_not() {
    let large = format!(r#"{{"host_response":"{}"}}"#, "x".repeat(MAX_BYTES));
    let announced = Request::put("/v1/bookings/b/approve").header(CONTENT_LENGTH, large.len());
    let unannounced = Request::put("/v1/bookings/b/approve");
    for request in [announced, unannounced] {
        let request = request
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(large.clone()))
            .unwrap();
        assert_eq!(send(request).await, Err(("COMMON009".to_owned(), vec![])));
    }
}

#[tokio::test]
async fn a_stream_resumes_where_the_browser_was() {
    let uri = "/v1/notifications/stream?cursor=3";
    assert_eq!(sent("GET", uri, "").await, Ok(json!({ "cursor": "3" })));
    let again = Request::get(uri)
        .header(LAST_EVENT_ID, "7")
        .body(Body::empty())
        .unwrap();
    assert_eq!(send(again).await, Ok(json!({ "cursor": "7" })));
}
