//! Requests to the routes of the real contract.

use http::Request;
use serde_json::{Value as Json, json};

use super::*;
use crate::method_table::MethodTable;
use crate::routes::{RouteMatch, Routes};

const MAX_BYTES: usize = 256;
const MAX_FORM_BYTES: usize = 1 << 16;

/// The request message as JSON, or the error code with field and rule of each violation.
pub(in crate::rest) type Decoded = Result<Json, (String, Vec<(String, String)>)>;

/// Decodes a request with a body of JSON, unless that is empty.
async fn decoded(method: &str, uri: &str, body: &str) -> Decoded {
    let content_type = if body.is_empty() {
        "text/plain"
    } else {
        "application/json; charset=utf-8"
    };
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .header(CONTENT_TYPE, content_type);
    decode_request(request.body(Body::from(body.to_owned())).unwrap()).await
}

pub(in crate::rest) async fn decode_request(request: Request<Body>) -> Decoded {
    let routes = Routes::read(MethodTable::read().unwrap().iter()).unwrap();
    let (parts, body) = request.into_parts();
    let RouteMatch::Found(route, bindings) = routes.find(&parts.method, parts.uri.path()) else {
        panic!("no route")
    };
    let max_bytes = if is_form(&route, &parts.headers) {
        MAX_FORM_BYTES
    } else {
        MAX_BYTES
    };
    match decode(&route, bindings, &parts, body, max_bytes).await {
        Ok(message) => {
            let json = route.rpc.input.to_json(&message);
            Ok(serde_json::from_slice(&json.unwrap()).unwrap())
        }
        Err(error) => {
            let violations = error.violations().iter();
            let violations = violations.map(|v| (v.field.clone(), v.rule.clone()));
            Err((error.spec().code.clone(), violations.collect()))
        }
    }
}

pub(in crate::rest) fn invalid(violations: &[(&str, &str)]) -> Decoded {
    let violations = violations.iter();
    let violations = violations.map(|(field, rule)| ((*field).to_owned(), (*rule).to_owned()));
    Err(("COMMON001".to_owned(), violations.collect()))
}

#[tokio::test]
async fn message_is_made_of_body_and_path() {
    let approve = decoded("PUT", "/v1/bookings/b%2D7/approve", r#"{"host_response":"네"}"#).await;
    assert_eq!(approve, Ok(json!({ "booking_id": "b-7", "host_response": "네" })));
    let empty = decoded("PUT", "/v1/bookings/b/approve", "").await;
    assert_eq!(empty, Ok(json!({ "booking_id": "b" })));
    let webhook = decoded("POST", "/v1/payments/webhook", r#"{"a":[1,null]}"#).await;
    assert_eq!(webhook, Ok(json!({ "payload": { "a": [1.0, null] } })));
}

#[tokio::test]
async fn field_of_the_path_is_refused_in_body_and_query() {
    let body = decoded("PUT", "/v1/bookings/b/approve", r#"{"booking_id":"c"}"#).await;
    assert_eq!(body, invalid(&[("booking_id", "GIVEN_BY_PATH")]));
    let query = decoded("GET", "/v1/bookings/b?booking_id=c", "").await;
    assert_eq!(query, invalid(&[("booking_id", "GIVEN_BY_PATH")]));
}

#[tokio::test]
async fn query_is_refused_where_the_body_is_the_message() {
    let approve = decoded("PUT", "/v1/bookings/b/approve?host_response=x", "").await;
    assert_eq!(approve, invalid(&[("host_response", "UNKNOWN_FIELD")]));
    let webhook = decoded("POST", "/v1/payments/webhook?payload=x", "").await;
    assert_eq!(webhook, invalid(&[("payload", "UNKNOWN_FIELD")]));
}

#[tokio::test]
async fn violations_of_body_and_query_are_returned_together() {
    let both = decoded("PUT", "/v1/bookings/b/approve?x=1", r#"{"y":1}"#).await;
    assert_eq!(both, invalid(&[("y", "UNKNOWN_FIELD"), ("x", "UNKNOWN_FIELD")]));
}

#[tokio::test]
async fn malformed_json_is_refused() {
    for broken in [
        "{",
        "{\"a\":}",
        "{}{}",
        "\u{feff}{}",
        r#"{"host_response":"a","host_response":"b"}"#,
    ] {
        assert_eq!(
            decoded("PUT", "/v1/bookings/b/approve", broken).await,
            invalid(&[("", "JSON")]),
            "{broken}"
        );
    }
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(50));
    assert_eq!(
        decoded("POST", "/v1/payments/webhook", &deep).await,
        invalid(&[("", "JSON")])
    );
}

#[tokio::test]
async fn other_content_types_and_none_are_unsupported() {
    for content_type in [
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/json; charset=euc-kr"),
        Some("application/json;version=1;Charset=\"latin1\""),
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
            decode_request(request).await,
            Err(("COMMON010".to_owned(), vec![])),
            "{content_type:?}"
        );
    }
}

#[tokio::test]
async fn charset_utf_8_and_other_parameters_are_accepted() {
    for content_type in [
        "application/json;charset=UTF-8",
        "Application/JSON ; profile=x; charset=\"utf-8\"",
        "application/json;",
    ] {
        let request = Request::put("/v1/bookings/b/approve")
            .header(CONTENT_TYPE, content_type)
            .body(Body::from("{}"));
        assert_eq!(
            decode_request(request.unwrap()).await,
            Ok(json!({ "booking_id": "b" })),
            "{content_type}"
        );
    }
}

#[tokio::test]
async fn compressed_body_is_unsupported() {
    let with_encoding = async |coding: &str| {
        let request = Request::put("/v1/bookings/b/approve")
            .header(CONTENT_TYPE, "application/json")
            .header(CONTENT_ENCODING, coding);
        decode_request(request.body(Body::from("{}")).unwrap()).await
    };
    assert_eq!(with_encoding("gzip").await, Err(("COMMON010".to_owned(), vec![])));
    assert_eq!(with_encoding("identity").await, Ok(json!({ "booking_id": "b" })));
}

#[tokio::test]
async fn body_above_the_limit_is_too_large_with_and_without_content_length() {
    let large = format!(r#"{{"host_response":"{}"}}"#, "x".repeat(MAX_BYTES));
    let with_length = Request::put("/v1/bookings/b/approve").header(CONTENT_LENGTH, large.len());
    let without_length = Request::put("/v1/bookings/b/approve");
    for request in [with_length, without_length] {
        let request = request
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(large.clone()))
            .unwrap();
        assert_eq!(
            decode_request(request).await,
            Err(("COMMON009".to_owned(), vec![]))
        );
    }
}

#[tokio::test]
async fn null_clears_a_field_in_a_patch_only() {
    let body = r#"{"color":null,"make":"Kia"}"#;
    let patched = decoded("PATCH", "/v1/vehicles/v", body).await;
    assert_eq!(
        patched,
        Ok(json!({ "vehicle_id": "v", "make": "Kia", "color": "" }))
    );
    let put = decoded("PUT", "/v1/vehicles/v", body).await;
    assert_eq!(put, Ok(json!({ "vehicle_id": "v", "make": "Kia" })));
}

#[tokio::test]
async fn merge_patch_is_a_content_type_of_patch_only() {
    let sent = async |method: &str| {
        let request = Request::builder().method(method).uri("/v1/vehicles/v");
        let request = request.header(CONTENT_TYPE, "application/merge-patch+json");
        decode_request(request.body(Body::from("{}")).unwrap()).await
    };
    assert_eq!(sent("PATCH").await, Ok(json!({ "vehicle_id": "v" })));
    assert_eq!(sent("PUT").await, Err(("COMMON010".to_owned(), vec![])));
}

#[tokio::test]
async fn if_match_is_the_tag_that_the_request_expects() {
    let sent = async |method: &str, uri: &str, tag: &'static str| {
        let request = Request::builder().method(method).uri(uri).header(IF_MATCH, tag);
        decode_request(request.body(Body::empty()).unwrap()).await
    };
    let car = "/v1/vehicles/v";
    for (method, tag) in [("PATCH", "\"a-1\""), ("PUT", "W/\"a-1\"")] {
        let expected = json!({ "vehicle_id": "v", "etag": "a-1" });
        assert_eq!(sent(method, car, tag).await, Ok(expected), "{tag}");
    }
    assert_eq!(sent("PATCH", car, "*").await, Ok(json!({ "vehicle_id": "v" })));
    for tag in ["a-1", "\"a\", \"b\"", ""] {
        let refused = sent("PATCH", car, tag).await;
        assert_eq!(refused, invalid(&[("If-Match", "IF_MATCH")]), "{tag}");
    }
    // A condition that has no effect would be taken for protection.
    let approve = sent("PUT", "/v1/bookings/b/approve", "\"a\"").await;
    assert_eq!(approve, invalid(&[("If-Match", "IF_MATCH")]));
    assert_eq!(sent("GET", car, "\"a\"").await, Ok(json!({ "vehicle_id": "v" })));
}

#[tokio::test]
async fn last_event_id_overrides_the_cursor_of_the_query() {
    let uri = "/v1/notifications/stream?cursor=3";
    assert_eq!(decoded("GET", uri, "").await, Ok(json!({ "cursor": "3" })));
    let again = Request::get(uri)
        .header(LAST_EVENT_ID, "7")
        .body(Body::empty())
        .unwrap();
    assert_eq!(decode_request(again).await, Ok(json!({ "cursor": "7" })));
}
