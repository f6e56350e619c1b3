//! Forms of the upload of a handover photo.

use axum::body::Body;
use axum::http::Request;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::json;

use crate::rest::request::tests::{Decoded, decode_request, invalid};

const URL: &str = "/v1/bookings/b/photos";

/// Returns a part of a form.
fn part(name: &str, content_type: Option<&str>, content: &str) -> String {
    let file_name = content_type.map_or("", |_| "; filename=\"사진.png\"");
    let content_type = content_type.map_or(String::new(), |of| format!("Content-Type: {of}\r\n"));
    format!(
        "--x\r\nContent-Disposition: form-data; name=\"{name}\"{file_name}\r\n{content_type}\r\n{content}\r\n"
    )
}

async fn decoded(parts: &[String]) -> Decoded {
    sent(
        "multipart/form-data; boundary=x",
        format!("{}--x--\r\n", parts.concat()),
    )
    .await
}

async fn sent(content_type: &str, body: String) -> Decoded {
    let request = Request::post(URL).header(CONTENT_TYPE, content_type);
    decode_request(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn parts_are_the_fields_and_the_file_brings_its_content_type() {
    let form = decoded(&[
        part("phase", None, "return"),
        part("angle", None, "front"),
        part("file", Some("image/png"), "\u{1}파일"),
    ])
    .await;
    let expected = json!({
        "booking_id": "b", "phase": "return", "angle": "front", "content_type": "image/png", "file": "Ae2MjOydvA==",
    });
    assert_eq!(form, Ok(expected.clone()));
    let stated = decoded(&[
        part("file", Some("application/octet-stream"), "\u{1}파일"),
        part("content_type", None, "image/png"),
        part("phase", None, "return"),
        part("angle", None, "front"),
    ])
    .await;
    assert_eq!(stated, Ok(expected));
}

#[tokio::test]
async fn invalid_parts_are_named() {
    let form = decoded(&[
        part("booking_id", None, "c"),
        part("phase", None, "return"),
        part("phase", None, "pickup"),
        part("angle", None, "top"),
        part("colour", None, "red"),
        part("", None, "x"),
    ])
    .await;
    let expected = [
        ("booking_id", "GIVEN_BY_PATH"),
        ("phase", "REPEATED"),
        ("angle", "ENUM"),
        ("colour", "UNKNOWN_FIELD"),
        ("", "UNKNOWN_FIELD"),
    ];
    assert_eq!(form, invalid(&expected));
}

#[tokio::test]
async fn body_that_is_no_form_is_refused() {
    for body in [
        "",
        "--y\r\n",
        "--x\r\nContent-Disposition: form-data; name=\"phase\"\r\n\r\nret",
    ] {
        let refused = sent("multipart/form-data; boundary=x", body.to_owned()).await;
        assert_eq!(refused, invalid(&[("", "JSON")]), "{body}");
    }
    let no_boundary = sent("multipart/form-data", part("phase", None, "return")).await;
    assert_eq!(no_boundary, Err(("COMMON010".to_owned(), Vec::new())));
    let many: Vec<String> = (0..=100).map(|n| part(&format!("a{n}"), None, "")).collect();
    assert_eq!(decoded(&many).await.unwrap_err().0, "COMMON009");
}

#[tokio::test]
async fn compressed_forms_and_forms_for_other_routes_are_unsupported() {
    let body = format!("{}--x--\r\n", part("phase", None, "return"));
    let form = |request: axum::http::request::Builder| {
        let request = request.header(CONTENT_TYPE, "multipart/form-data; boundary=x");
        decode_request(request.body(Body::from(body.clone())).unwrap())
    };
    let unsupported = Err(("COMMON010".to_owned(), Vec::new()));
    assert_eq!(form(Request::post("/v1/bookings")).await, unsupported);
    let compressed = Request::post(URL).header(CONTENT_ENCODING, "gzip");
    assert_eq!(form(compressed).await, unsupported);
}
